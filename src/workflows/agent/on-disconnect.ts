/** The ends of sessions that others report, and what the administrator's wish does to a loss. */
import { isOutOfService, isQuiet } from "../../lifecycle/disconnect.ts";
import { isLost } from "../../lifecycle/status-table.ts";
import type { DisconnectMessage, GatewayLostMessage } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { lose } from "./disconnect.ts";
import { effectiveSettings } from "./state.ts";

/** A gateway reports the end of a session. */
export function onDisconnect(agent: Agent, message: DisconnectMessage): void {
  if (message.epoch > agent.state.epoch) agent.state.endedEarly = message;
  lose(agent, message.cause, message.epoch);
}

/** A run of a gateway is gone. Changes nothing for an agent that has moved on. */
export function onGatewayLost(agent: Agent, message: GatewayLostMessage): void {
  const { session } = agent.state;
  const { gatewayId, incarnation } = message.gateway;
  if (session?.gatewayId !== gatewayId || session.incarnation !== incarnation) return;
  agent.note("gatewayLost", `Gateway ${gatewayId} is lost: ${message.reason}`, { incarnation });
  lose(agent, { type: "gatewayLost", reason: message.reason }, session.epoch);
}

/**
 * The administrator changed what he wants of the resource: a loss that nobody looked into because of it is looked into
 * now, and the other way round. `alert.wait` counts from the moment that the loss matters.
 */
export function judgeLossAnew(agent: Agent): void {
  const { loss, status, resourceState } = agent.state;
  if (loss === null || !isLost(status) || status === "Down") return;
  if (isOutOfService(resourceState)) {
    loss.investigateAtMs = undefined;
    loss.alertAtMs = undefined;
    loss.braked = undefined;
    return;
  }
  const watched = loss.investigateAtMs !== undefined || loss.alertAtMs !== undefined;
  if (watched || isQuiet(resourceState, loss.cause)) return;
  // A wrong set-up is corrected by somebody, not found out by asking.
  if (loss.rule === "wrongSetUp") return;
  if (loss.cause.type === "handshakeFailed" && !loss.cause.retryable) return;
  const { reconnectGraceMs, alertWaitMs } = effectiveSettings(agent.state);
  loss.investigateAtMs = agent.nowMs + reconnectGraceMs;
  if (status === "Disconnected") loss.alertAtMs = agent.nowMs + alertWaitMs;
}
