/**
 * The one disconnect decision (DESIGN §5): what a lost connection means, when it is lost and ever after. Whatever the
 * cause, `decideDisconnect` gives the transitions, the actions and the reason. Pure; absolute times in milliseconds.
 */
import type { ResourceState, StatusEvent } from "../api/index.ts";
import type { DisconnectRule } from "./disconnect-rules.ts";
import type {
  Decided,
  DisconnectAction,
  DisconnectDecision,
  DisconnectInput,
  LaterCause,
  LossCause,
  LossSettings,
} from "./disconnect-types.ts";
import { pingTimeoutMs } from "./relay-budget.ts";
import { isLost } from "./status-table.ts";
import { decideVerdict } from "./verdict.ts";

/** Decides what the end of a session means, and what follows from what is found out about it. */
export function decideDisconnect(input: DisconnectInput): DisconnectDecision {
  const { cause, status } = input;
  if (status === "Removed") return ignored("the agent is removed");
  if (cause.type === "removed") {
    return decided("removed", ["Remove"], describeLoss(cause), [
      { type: "closeSession", why: "removed" },
      { type: "clearAlert" },
      { type: "end" },
    ]);
  }
  if (input.messageEpoch !== input.epoch) {
    const age = input.messageEpoch < input.epoch ? "an older" : "a newer";
    return ignored(
      `${cause.type} speaks of ${age} session (${input.messageEpoch}, now ${input.epoch})`,
    );
  }
  switch (cause.type) {
    case "investigated":
    case "waitedTooLong":
    case "setUpWrong":
      return isLost(status) && status !== "Down"
        ? decideLater(input, cause)
        : ignored(`${cause.type}: the agent is ${status}`);
    case "goodbye":
      // The agent's own word: it also ends the looking into a loss that was noticed before it arrived.
      return decided("goodbye", ["ShutdownRequested"], describeLoss(cause), [
        { type: "clearAlert" },
      ]);
    case "socketLost":
    case "handshakeFailed":
    case "pingTimeout":
    case "gatewayLost":
    case "reconnectAsked":
      if (isLost(status)) return ignored(`${cause.type}: the session had ended before`);
      return isOutOfService(input.resourceState) ? quietly(input, cause) : loudly(input, cause);
  }
}

type ConnectionLoss = Exclude<LossCause, { type: "goodbye" } | { type: "removed" }>;

function decideLater(input: DisconnectInput, cause: LaterCause): Decided {
  if (cause.type === "waitedTooLong") {
    const reason = `not back after ${Math.round(cause.lostForMs / 1_000)} s; ${input.statusReason}`;
    return decided("waitedTooLong", ["WaitedTooLong"], reason, [
      { type: "raiseAlert", kind: "lost" },
    ]);
  }
  if (cause.type === "setUpWrong") {
    // Somebody must correct the set-up. The agent dialled, so its host is alive, and nobody is asked.
    return decided("wrongSetUp", ["WaitedTooLong"], cause.details, [
      { type: "stopWatching" },
      { type: "raiseAlert", kind: "lost" },
    ]);
  }
  return decideVerdict({
    findings: input.evidence,
    brake: cause.brake,
    nowMs: input.nowMs,
    investigateRetryMs: input.settings.investigateRetryMs,
  });
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

function quietly({ resourceState }: DisconnectInput, cause: ConnectionLoss): Decided {
  const reason = `${describeLoss(cause)}; not looked into: the resource is ${resourceState}`;
  return decided("outOfService", [rows[cause.type].event], reason, closing(cause));
}

function loudly({ settings, nowMs }: DisconnectInput, cause: ConnectionLoss): Decided {
  const reason = describeLoss(cause);
  const { rule, event } = rows[cause.type];
  if (cause.type === "handshakeFailed" && !cause.retryable) {
    // Somebody must correct the set-up. The host itself is alive, so nobody is asked.
    return decided("wrongSetUp", [event, "WaitedTooLong"], reason, [
      { type: "raiseAlert", kind: "lost" },
    ]);
  }
  return decided(rule, [event], reason, [
    ...closing(cause),
    {
      type: "watch",
      investigateAtMs: nowMs + graceMs(cause, settings),
      alertAtMs: nowMs + settings.alertWaitMs,
    },
  ]);
}

/** The row of each cause (DESIGN §5). */
const rows = {
  socketLost: { event: "AgentDisconnected", rule: "socketLost" },
  handshakeFailed: { event: "AgentDisconnected", rule: "handshakeFailed" },
  pingTimeout: { event: "PingTimeout", rule: "silence" },
  gatewayLost: { event: "ManagementServerDown", rule: "gatewayLost" },
  reconnectAsked: { event: "ShutdownRequested", rule: "reconnectAsked" },
} as const satisfies Readonly<
  Record<ConnectionLoss["type"], { readonly event: StatusEvent; readonly rule: DisconnectRule }>
>;

/** How long the agent may take to come back before anybody is asked, in milliseconds. */
function graceMs(cause: ConnectionLoss, settings: LossSettings): number {
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
  }
}

function closing(cause: ConnectionLoss): readonly DisconnectAction[] {
  if (cause.type === "pingTimeout") return [{ type: "closeSession", why: "silent" }];
  if (cause.type === "reconnectAsked") return [{ type: "closeSession", why: "reconnect" }];
  return [];
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

function ignored(reason: string): DisconnectDecision {
  return { type: "ignored", reason };
}

function decided(
  rule: DisconnectRule,
  events: readonly StatusEvent[],
  reason: string,
  actions: readonly DisconnectAction[],
): Decided {
  return { type: "decided", rule, events, reason, actions };
}
