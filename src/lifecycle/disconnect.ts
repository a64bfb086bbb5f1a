/**
 * The one disconnect decision (DESIGN §5): what a lost connection means and what is done about it. Every cause goes
 * through `decideLoss`; what Investigators found goes through `decideVerdict`. Pure; absolute times in milliseconds.
 */
import type { ResourceState, ShutdownReason, Status, StatusEvent } from "../api/index.ts";
import { pingTimeoutMs } from "./relay-budget.ts";
import { isLost } from "./status-table.ts";

/** Why a session ended. */
export type LossCause =
  | { readonly type: "goodbye"; readonly reason: ShutdownReason; readonly details?: string }
  | { readonly type: "socketLost"; readonly details: string }
  | { readonly type: "pingTimeout"; readonly silentForMs: number }
  | { readonly type: "handshakeFailed"; readonly details: string; readonly retryable: boolean }
  | { readonly type: "reconnectAsked"; readonly by: string }
  | { readonly type: "gatewayLost"; readonly reason: string }
  | { readonly type: "removed"; readonly by: string };

/** The settings that the decision goes by. */
interface LossSettings {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMultiplier: number;
  readonly reconnectGraceMs: number;
  readonly alertWaitMs: number;
}

export interface LossInput {
  readonly status: Status;
  readonly resourceState: ResourceState;
  readonly cause: LossCause;
  /** Epoch of the session that the message speaks of. */
  readonly messageEpoch: number;
  /** Newest epoch that the workflow knows. */
  readonly epoch: number;
  readonly settings: LossSettings;
  readonly nowMs: number;
}

/** What else is done about a loss beside moving the Status. */
export type LossAction =
  /** Look into it from `investigateAtMs` on; Alert at `alertAtMs` if the agent isn't back. Without it: quiet. */
  | { readonly type: "watch"; readonly investigateAtMs: number; readonly alertAtMs: number }
  | { readonly type: "closeSession"; readonly why: "silent" | "removed" | "reconnect" }
  | { readonly type: "raiseAlert" }
  /** The agent is gone for good: settle what is pending and end. */
  | { readonly type: "end" };

export type LossDecision =
  | { readonly type: "ignored"; readonly reason: string }
  | {
      readonly type: "lost";
      /** To be applied in order, through the Status table. */
      readonly events: readonly StatusEvent[];
      /** In words, for operators: it becomes the reason of the Status. */
      readonly reason: string;
      readonly actions: readonly LossAction[];
    };

/** Decides what the end of a session means. */
export function decideLoss(input: LossInput): LossDecision {
  const { cause, status } = input;
  if (status === "Removed") return { type: "ignored", reason: "the agent is removed" };
  if (cause.type === "removed") {
    return lost(["Remove"], `removed by ${cause.by}`, [
      { type: "closeSession", why: "removed" },
      { type: "end" },
    ]);
  }
  if (input.messageEpoch !== input.epoch) {
    const age = input.messageEpoch < input.epoch ? "an older" : "a newer";
    return {
      type: "ignored",
      reason: `${cause.type} speaks of ${age} session (${input.messageEpoch}, now ${input.epoch})`,
    };
  }
  // A goodbye is the agent's own word: it also ends the looking into a loss that was noticed before it arrived.
  if (isLost(status) && cause.type !== "goodbye") {
    return { type: "ignored", reason: `${cause.type}: the session had ended before` };
  }
  return isQuiet(input.resourceState, cause) ? quietly(input) : loudly(input, cause);
}

/**
 * Whether nobody looks into a loss and nobody is alerted: the agent said goodbye, or the administrator has taken the
 * resource out of service.
 */
export function isQuiet(state: ResourceState, cause: LossCause): boolean {
  return cause.type === "goodbye" || isOutOfService(state);
}

/** ResourceStates in which any loss is expected. */
export function isOutOfService(state: ResourceState): boolean {
  return (
    state === "Disabled" ||
    state === "Maintenance" ||
    state === "PrepareForMaintenance" ||
    state === "Unmanaged"
  );
}

function quietly(input: LossInput): LossDecision {
  const { cause, resourceState } = input;
  if (cause.type === "goodbye") return lost(["ShutdownRequested"], describeLoss(cause), []);
  const reason = `${describeLoss(cause)}; not looked into: the resource is ${resourceState}`;
  return lost([eventOf(cause)], reason, closing(cause));
}

function loudly(input: LossInput, cause: LossCause): LossDecision {
  const { settings, nowMs } = input;
  const reason = describeLoss(cause);
  if (cause.type === "handshakeFailed" && !cause.retryable) {
    // Waiting changes nothing: somebody must correct the set-up. The host itself is alive, so nobody is asked.
    return lost([eventOf(cause), "WaitedTooLong"], reason, [{ type: "raiseAlert" }]);
  }
  return lost([eventOf(cause)], reason, [
    ...closing(cause),
    {
      type: "watch",
      investigateAtMs: nowMs + graceMs(cause, settings),
      alertAtMs: nowMs + settings.alertWaitMs,
    },
  ]);
}

/** How long the agent may take to come back before anybody is asked, in milliseconds. */
function graceMs(cause: LossCause, settings: LossSettings): number {
  switch (cause.type) {
    case "pingTimeout":
      return 0;
    case "gatewayLost":
    case "reconnectAsked":
      // Not the agent's fault: as long as silence would be borne.
      return pingTimeoutMs(settings);
    case "socketLost":
    case "handshakeFailed":
      return settings.reconnectGraceMs;
    case "goodbye":
    case "removed":
      return 0;
  }
}

function closing(cause: LossCause): readonly LossAction[] {
  if (cause.type === "pingTimeout") return [{ type: "closeSession", why: "silent" }];
  if (cause.type === "reconnectAsked") return [{ type: "closeSession", why: "reconnect" }];
  return [];
}

function eventOf(cause: LossCause): StatusEvent {
  switch (cause.type) {
    case "goodbye":
    case "reconnectAsked":
      return "ShutdownRequested";
    case "socketLost":
    case "handshakeFailed":
      return "AgentDisconnected";
    case "pingTimeout":
      return "PingTimeout";
    case "gatewayLost":
      return "ManagementServerDown";
    case "removed":
      return "Remove";
  }
}

/** A loss in one clause, for operators. */
function describeLoss(cause: LossCause): string {
  switch (cause.type) {
    case "goodbye":
      return withDetails(`the agent said goodbye (${cause.reason})`, cause.details);
    case "socketLost":
      return withDetails("its connection was lost", cause.details);
    case "pingTimeout":
      return `no ping for ${(cause.silentForMs / 1_000).toFixed(1)} s`;
    case "handshakeFailed":
      return withDetails("its handshake failed", cause.details);
    case "reconnectAsked":
      return `asked to reconnect by ${cause.by}`;
    case "gatewayLost":
      return withDetails("its gateway is lost", cause.reason);
    case "removed":
      return `removed by ${cause.by}`;
  }
}

function withDetails(text: string, details: string | undefined): string {
  return details === undefined || details === "" ? text : `${text}: ${details}`;
}

function lost(
  events: readonly StatusEvent[],
  reason: string,
  actions: readonly LossAction[],
): LossDecision {
  return { type: "lost", events, reason, actions };
}
