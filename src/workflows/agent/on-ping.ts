import { pingDeadlineMs } from "../../lifecycle/deadlines.ts";
import type { PingMessage } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { clearAlert } from "./alert.ts";
import { effectiveSettings } from "./state.ts";

/**
 * A relayed ping only stores times; no timer is touched. One of an older session, or of one that its gateway reported
 * ended, changes nothing.
 */
export function onPing(agent: Agent, message: PingMessage): void {
  const { state } = agent;
  if (message.epoch !== state.epoch || state.status === "Removed") return;
  if (state.session === null && !revive(agent)) return;
  const lastPingAtMs = agent.nowMs - message.lastPingAgoMs;
  // Signals may overtake each other: an older one must not bring the deadline forward.
  if (state.pingDeadlineMs === null || lastPingAtMs >= (state.lastPingAtMs ?? 0)) {
    state.lastPingAtMs = lastPingAtMs;
    state.pingDeadlineMs = pingDeadlineMs(
      { lastPingAtMs, vouchForMs: message.vouchForMs },
      effectiveSettings(state),
    );
  }
  noteHealth(agent, message.unhealthy ?? null);
}

/**
 * A ping of a session that the workflow itself gave up, because its gateway seemed gone or did not answer for it: it
 * lives after all.
 */
function revive(agent: Agent): boolean {
  const { loss } = agent.state;
  if (loss?.session === undefined || loss.session === null) return false;
  const ownGuess = loss.cause.type === "gatewayLost" || loss.cause.type === "pingTimeout";
  if (!ownGuess || !agent.moveStatus(["Ping"], "pinged: its session lives after all")) return false;
  agent.state.session = loss.session;
  agent.state.loss = null;
  clearAlert(agent);
  return true;
}

function noteHealth(agent: Agent, unhealthy: string | null): void {
  const { state } = agent;
  if (state.unhealthy === unhealthy) return;
  state.unhealthy = unhealthy;
  if (unhealthy === null) agent.note("healthy", "The resource says that it is healthy again");
  else agent.note("unhealthy", `The resource says: ${unhealthy}`);
}
