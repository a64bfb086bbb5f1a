/** What the lifecycle tells those who ask. */
import { isoTime } from "../../lifecycle/iso-time.ts";
import { findRequest, isFinished } from "../../lifecycle/mailbox.ts";
import { isSent } from "../../lifecycle/mailbox-settle.ts";
import { sealingKeys } from "../../lifecycle/secret-fields.ts";
import type { FinishedRequest, PendingRequest } from "../../lifecycle/mailbox-types.ts";
import type { AgentView, RequestView } from "../agent-messages.ts";
import { maintenanceView } from "./maintenance-view.ts";
import { effectiveSettings } from "./state.ts";
import type { AgentState, Loss } from "./state.ts";

export function viewOf(state: AgentState): AgentView {
  const { session, host, lastPingAtMs, lastVerdict } = state;
  return {
    agentId: state.agentId,
    status: state.status,
    resourceState: state.resourceState,
    statusSince: isoTime(state.statusSinceMs),
    statusReason: state.statusReason,
    epoch: state.epoch,
    ...(session !== null && { session }),
    ...(host !== null && { host }),
    settings: effectiveSettings(state),
    ...(lastPingAtMs !== null && { lastPingAt: isoTime(lastPingAtMs) }),
    pendingRequests: state.mailbox.pending.length,
    ...(state.loss !== null && { loss: lossOf(state.loss) }),
    ...(lastVerdict !== null && {
      lastVerdict: {
        investigator: lastVerdict.investigator,
        verdict: lastVerdict.verdict,
        evidence: lastVerdict.evidence,
        at: isoTime(lastVerdict.atMs),
      },
    }),
    ...maintenanceView(state),
  };
}

function lossOf(loss: Loss): NonNullable<AgentView["loss"]> {
  const { atMs, rule, asked = [], investigateAtMs, alertAtMs, braked } = loss;
  return {
    since: isoTime(atMs),
    ...(rule !== undefined && { rule }),
    asked,
    ...(investigateAtMs !== undefined && { nextInvestigationAt: isoTime(investigateAtMs) }),
    ...(alertAtMs !== undefined && { alertAt: isoTime(alertAtMs) }),
    ...(braked !== undefined && { braked }),
  };
}

/** @param nowMs as of the asking: the time of the last workflow task may be long ago. */
export function pendingOf(state: AgentState, nowMs: number): readonly RequestView[] {
  return state.mailbox.pending.map((request) => requestView(request, nowMs));
}

/** @param nowMs as of the asking. */
export function requestOf(state: AgentState, requestId: string, nowMs: number): RequestView | null {
  const request = findRequest(state.mailbox, requestId);
  return request === undefined ? null : requestView(request, nowMs);
}

function pendingFields(
  { soFar = [], deadlineMs, waitMs, commands }: PendingRequest,
  nowMs: number,
): Pick<RequestView, "progress" | "waitLeftMs" | "sealedWith"> {
  const sealedWith = sealingKeys(commands);
  return {
    ...(sealedWith.length > 0 && { sealedWith }),
    ...(soFar.length > 0 && { progress: soFar }),
    // Clocks of Temporal and of the worker that answers may differ.
    waitLeftMs: Math.min(waitMs, Math.max(0, deadlineMs - nowMs)),
  };
}

function requestView(request: PendingRequest | FinishedRequest, nowMs: number): RequestView {
  return {
    requestId: request.requestId,
    seq: request.seq,
    state: isFinished(request) ? "settled" : "pending",
    handed: isSent(request),
    commands: request.commands.map(({ id, type }) => ({ id, type })),
    ...(isFinished(request) ? { answers: request.answers } : pendingFields(request, nowMs)),
  };
}
