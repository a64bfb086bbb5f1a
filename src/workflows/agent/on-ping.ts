import { pingDeadlineMs } from "../../lifecycle/deadlines.ts";
import type { PingMessage } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import type { Loss } from "./state.ts";
import { regain } from "./regain.ts";
import { effectiveSettings } from "./state.ts";

/** Between two askings of a session that was given up for dead to make way for a new one, in milliseconds. */
const reconnectEveryMs = 30_000;

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
  if (agent.state.status === "Down") {
    leaveDownByNewSession(agent, loss);
    return false;
  }
  const ownGuess = loss.cause.type === "gatewayLost" || loss.cause.type === "pingTimeout";
  if (!ownGuess || !regain(agent, ["Ping"], "pinged: its session lives after all")) return false;
  agent.state.session = loss.session;
  return true;
}

/**
 * A host that was declared Down pings. Its machines may run elsewhere by now, so the old session is not taken up again:
 * its agent is asked to connect anew.
 */
function leaveDownByNewSession(agent: Agent, loss: Loss): void {
  const { session, askedToReconnectAtMs = 0 } = loss;
  if (session === null || agent.nowMs - askedToReconnectAtMs < reconnectEveryMs) return;
  loss.askedToReconnectAtMs = agent.nowMs;
  const { gatewayId, epoch } = session;
  const details = "The host was declared Down, but this session pings: connect again.";
  agent.send({ type: "closeSession", gatewayId, epoch, why: "reconnect", details });
}

function noteHealth(agent: Agent, unhealthy: string | null): void {
  const { state } = agent;
  if (state.unhealthy === unhealthy) return;
  state.unhealthy = unhealthy;
  if (unhealthy === null) agent.note("healthy", "The resource says that it is healthy again");
  else agent.note("unhealthy", `The resource says: ${unhealthy}`);
}
