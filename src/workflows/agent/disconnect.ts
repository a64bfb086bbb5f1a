/**
 * The one disconnect function: every lost connection, and all that is found out about it afterwards, goes through
 * `lose` and `learn`, which let the pure decision of `src/lifecycle/disconnect.ts` speak and carry it out. Together with
 * `regain.ts` they alone move the Status (enforced by the linter).
 */
import { log } from "@temporalio/workflow";
import { decideDisconnect } from "../../lifecycle/disconnect.ts";
import type {
  Decided,
  DisconnectAction,
  InvestigatorFinding,
  LaterCause,
  LossCause,
} from "../../lifecycle/disconnect-types.ts";
import { concludingFinding } from "../../lifecycle/verdict.ts";
import type { Agent } from "./agent.ts";
import { clearAlert, raiseAlert } from "./alert.ts";
import { effectiveSettings } from "./state.ts";
import type { Loss, Session } from "./state.ts";

/**
 * A session of that epoch was lost.
 * @returns whether it was the current one, and is lost now.
 */
export function lose(agent: Agent, cause: LossCause, epoch: number): boolean {
  const { state } = agent;
  const decision = decide(agent, cause, epoch);
  if (decision.type === "ignored") {
    log.info("disconnect ignored", { cause: cause.type, epoch, reason: decision.reason });
    if (epoch !== state.epoch) {
      agent.note("messageIgnored", `Disconnect ignored: ${decision.reason}`, { cause: cause.type });
    }
    return false;
  }
  const loss: Loss = {
    cause,
    atMs: agent.nowMs,
    session: state.session ?? state.loss?.session ?? null,
    rule: decision.rule,
    investigateAtMs: undefined,
    alertAtMs: undefined,
  };
  state.session = null;
  state.pingDeadlineMs = null;
  state.deliverAgainAtMs = null;
  state.loss = loss;
  const { rule } = decision;
  agent.note("disconnected", `Disconnected: ${decision.reason}`, {
    cause,
    rule,
    gatewayId: loss.session?.gatewayId,
  });
  carryOut(agent, loss, decision, cause);
  return true;
}

/** Something new is known about the present loss: what was found out, or that it has lasted too long. */
export function learn(
  agent: Agent,
  cause: LaterCause,
  evidence: readonly InvestigatorFinding[],
): void {
  const { loss, epoch } = agent.state;
  const decision = decide(agent, cause, epoch, evidence);
  if (loss === null || decision.type === "ignored") {
    log.info("nothing to decide", { cause: cause.type, decision });
    return;
  }
  loss.rule = decision.rule;
  if (cause.type === "investigated") noteVerdict(agent, loss, decision, evidence);
  carryOut(agent, loss, decision, cause);
}

function decide(
  agent: Agent,
  cause: LossCause | LaterCause,
  messageEpoch: number,
  evidence: readonly InvestigatorFinding[] = [],
) {
  const { status, statusReason, resourceState, epoch } = agent.state;
  return decideDisconnect({
    status,
    statusReason,
    resourceState,
    cause,
    messageEpoch,
    epoch,
    evidence,
    settings: effectiveSettings(agent.state),
    nowMs: agent.nowMs,
  });
}

function noteVerdict(
  agent: Agent,
  loss: Loss,
  { rule, reason, actions }: Decided,
  evidence: readonly InvestigatorFinding[],
): void {
  const verdict = concludingFinding(evidence)?.verdict ?? "Unknown";
  agent.note("verdict", `${verdict}: ${reason}`, { verdict, rule });
  const held = actions.find((action) => action.type === "holdBack");
  if (held !== undefined && loss.braked === undefined) {
    agent.note("braked", `Down is held back: ${held.reason}`, { rule });
  } else if (held === undefined && loss.braked !== undefined) {
    agent.note("brakeReleased", "Down is not held back any more", { rule });
  }
  loss.braked = held?.reason;
  loss.investigateAtMs = undefined;
}

/** Moves the Status, then does what goes with it. */
function carryOut(
  agent: Agent,
  loss: Loss,
  { events, reason, rule, actions }: Decided,
  cause: LossCause | LaterCause,
): void {
  if (events.length > 0) agent.moveStatus(events, reason, rule);
  const watched = actions.some((action) => action.type === "watch");
  for (const action of actions) {
    // A silent agent is asked over its socket first.
    if (action.type === "closeSession" && action.why === "silent" && watched) {
      loss.closeOnceAsked = true;
    } else act(agent, loss, action, reason);
  }
  if (cause.type === "waitedTooLong" || rule === "hostDown") loss.alertAtMs = undefined;
}

function act(agent: Agent, loss: Loss, action: DisconnectAction, reason: string): void {
  switch (action.type) {
    case "watch":
      loss.investigateAtMs = action.investigateAtMs;
      loss.alertAtMs = action.alertAtMs;
      return;
    case "investigateAgain":
      loss.investigateAtMs = action.atMs;
      return;
    case "stopWatching":
      closeOnceAsked(agent);
      loss.investigateAtMs = undefined;
      loss.alertAtMs = undefined;
      loss.braked = undefined;
      return;
    case "closeSession":
      closeSession(agent, loss.session, action.why, reason);
      return;
    case "raiseAlert":
      raiseAlert(agent, action.kind, reason);
      return;
    case "clearAlert":
      clearAlert(agent);
      return;
    case "holdBack":
      // Noted with the verdict, which says whether it is new.
      return;
    case "recover":
      recover(agent, loss, reason);
      return;
    case "end":
      agent.state.loss = null;
      return;
  }
}

/** Calls the recovery, once for this loss: its workflow's id is made of the agent and the lost session. */
function recover(agent: Agent, loss: Loss, reason: string): void {
  const { epoch } = agent.state;
  const evidence = loss.asked ?? [];
  agent.note("recoveryCalled", `Recovery called: ${reason}`, { epoch, evidence });
  agent.send({ type: "recover", epoch, downAtMs: agent.nowMs, lostAtMs: loss.atMs, evidence });
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
