/** How a session ends, whatever the cause: the pure decision of `src/lifecycle/disconnect.ts`, carried out. */
import { log } from "@temporalio/workflow";
import { decideLoss, isOutOfService, isQuiet } from "../../lifecycle/disconnect.ts";
import type { LossAction, LossCause } from "../../lifecycle/disconnect.ts";
import { isLost } from "../../lifecycle/status-table.ts";
import type { DisconnectMessage, GatewayLostMessage } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { raiseAlert } from "./alert.ts";
import { effectiveSettings } from "./state.ts";
import type { Loss, Session } from "./state.ts";

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
 * The one disconnect function: decides by cause and epoch, and does what was decided.
 * @returns whether the session was lost by it.
 */
export function lose(agent: Agent, cause: LossCause, epoch: number): boolean {
  const { state } = agent;
  const decision = decideLoss({
    status: state.status,
    resourceState: state.resourceState,
    cause,
    messageEpoch: epoch,
    epoch: state.epoch,
    settings: effectiveSettings(state),
    nowMs: agent.nowMs,
  });
  if (decision.type === "ignored") {
    log.info("disconnect ignored", { cause: cause.type, epoch, reason: decision.reason });
    if (epoch !== state.epoch) {
      agent.note("messageIgnored", `Disconnect ignored: ${decision.reason}`, { cause: cause.type });
    }
    return false;
  }
  const session = state.session ?? state.loss?.session ?? null;
  state.session = null;
  state.pingDeadlineMs = null;
  state.deliverAgainAtMs = null;
  state.loss = {
    cause,
    atMs: agent.nowMs,
    session,
    investigateAtMs: undefined,
    alertAtMs: undefined,
  };
  agent.note("disconnected", `Disconnected: ${decision.reason}`, { cause });
  agent.moveStatus(decision.events, decision.reason);
  const watched = decision.actions.some((action) => action.type === "watch");
  for (const action of decision.actions) {
    // A silent agent is asked over its socket first.
    if (action.type === "closeSession" && action.why === "silent" && watched) {
      state.loss.closeOnceAsked = true;
    } else carryOut(agent, action, state.loss, session, decision.reason);
  }
  return true;
}

function carryOut(
  agent: Agent,
  action: LossAction,
  loss: Loss,
  session: Session | null,
  reason: string,
): void {
  switch (action.type) {
    case "watch":
      loss.investigateAtMs = action.investigateAtMs;
      loss.alertAtMs = action.alertAtMs;
      return;
    case "closeSession":
      closeSession(agent, session, action.why, reason);
      return;
    case "raiseAlert":
      raiseAlert(agent, "lost", reason);
      return;
    case "end":
      agent.state.loss = null;
      return;
  }
}

/** Closes the half-open socket of a silent agent, now that it was asked over it. */
export function closeOnceAsked(agent: Agent): void {
  const { loss, statusReason } = agent.state;
  if (loss?.closeOnceAsked !== true) return;
  delete loss.closeOnceAsked;
  closeSession(agent, loss.session, "silent", statusReason);
}

function closeSession(
  agent: Agent,
  session: Session | null,
  why: "silent" | "removed" | "reconnect",
  details: string,
): void {
  if (session === null) return;
  const { gatewayId, epoch } = session;
  agent.send({ type: "closeSession", gatewayId, epoch, why, details });
}

/**
 * The administrator changed what he wants of the resource: a loss that nobody looked into because of it is looked into
 * now, and the other way round.
 */
export function judgeLossAnew(agent: Agent): void {
  const { loss, status, resourceState } = agent.state;
  if (loss === null || !isLost(status) || status === "Down") return;
  if (isOutOfService(resourceState)) {
    loss.investigateAtMs = undefined;
    loss.alertAtMs = undefined;
    return;
  }
  const watched = loss.investigateAtMs !== undefined || loss.alertAtMs !== undefined;
  if (watched || isQuiet(resourceState, loss.cause)) return;
  // A wrong set-up is corrected by somebody, not found out by asking.
  if (loss.cause.type === "handshakeFailed" && !loss.cause.retryable) return;
  const { reconnectGraceMs, alertWaitMs } = effectiveSettings(agent.state);
  loss.investigateAtMs = agent.nowMs + reconnectGraceMs;
  if (status === "Disconnected") loss.alertAtMs = agent.nowMs + alertWaitMs;
}
