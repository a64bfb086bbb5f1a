/** What operators ask of drains: checked by synchronous validators, carried out at once, acted on by the main loop. */
import { ApplicationFailure } from "@temporalio/common";
import { log } from "@temporalio/workflow";
import { isOpen, nextDrainState, type Drain, type DrainEvent } from "../../lifecycle/drains.ts";
import { number, object, optional, text, type Check } from "../agent/checks.ts";
import type {
  BalancerRefusal,
  DrainMessage,
  DrainVerbMessage,
  DrainView,
} from "../balancer-messages.ts";
import { viewOfDrain } from "./view.ts";
import type { BalancerState } from "./state.ts";

/** Agents moved in a second when nobody says otherwise. */
const agentsPerSecondDefault = 50;
/** Ended drains that are still told of. */
const endedKept = 20;

const who = { gatewayId: text(1, 200), by: optional(text(0, 200)) };
const drainShape = object({ ...who, agentsPerSecond: optional(number(0.1, 10_000)) });
const verbShape = object(who);

/** @throws ApplicationFailure INVALID_REQUEST, from a validator: it leaves no trace in the history. */
export function checkDrain(message: DrainMessage): void {
  require(drainShape, message);
}

/** @throws ApplicationFailure INVALID_REQUEST, NOT_DRAINING */
export function checkVerb(
  state: BalancerState,
  event: DrainEvent,
  message: DrainVerbMessage,
): void {
  require(verbShape, message);
  const drain = openDrain(state, message.gatewayId);
  if (drain !== undefined && nextDrainState(drain.state, event) !== undefined) return;
  const now = drain === undefined ? "does not drain" : `is ${drain.state}`;
  throw refused(
    "NOT_DRAINING",
    `Gateway ${message.gatewayId} ${now}: there is nothing to ${event}.`,
  );
}

/** Begins a drain, or changes the rate of the one that goes on, and goes on with it when it was paused. */
export function onDrain(state: BalancerState, message: DrainMessage, nowMs: number): DrainView {
  const { gatewayId, agentsPerSecond = agentsPerSecondDefault, by } = message;
  const open = openDrain(state, gatewayId);
  if (open !== undefined) {
    open.agentsPerSecond = agentsPerSecond;
    changeDrain(open, "resume", `asked for again by ${by ?? "an operator"}`);
    return viewOfDrain(open);
  }
  const drain: Drain = {
    gatewayId,
    incarnation: undefined,
    startedAtMs: nowMs,
    by,
    state: "draining",
    agentsPerSecond,
    total: 0,
    moved: 0,
    failed: 0,
    left: 0,
    endedAtMs: undefined,
    reason: undefined,
    movedPerSecond: undefined,
  };
  state.drains.push(drain);
  const ended = state.drains.filter((one) => !isOpen(one));
  const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - endedKept)));
  state.drains = state.drains.filter((one) => !forgotten.has(one));
  log.info("drain begins", { gatewayId, agentsPerSecond, by });
  return viewOfDrain(drain);
}

/** Pauses, resumes or cancels; the validator has let it pass. */
export function onVerb(
  state: BalancerState,
  event: DrainEvent,
  message: DrainVerbMessage,
  nowMs: number,
): DrainView {
  const drain = openDrain(state, message.gatewayId);
  if (drain === undefined) throw refused("NOT_DRAINING", `${message.gatewayId} does not drain.`);
  changeDrain(drain, event, `${event} by ${message.by ?? "an operator"}`, nowMs);
  return viewOfDrain(drain);
}

/** The one gate of a drain's state. */
export function changeDrain(drain: Drain, event: DrainEvent, reason: string, nowMs?: number): void {
  const from = drain.state;
  const to = nextDrainState(from, event);
  if (to === undefined) {
    log.warn("drain event refused", { gatewayId: drain.gatewayId, state: from, event, reason });
    return;
  }
  drain.state = to;
  drain.reason = reason;
  drain.movedPerSecond = undefined;
  drain.endedAtMs = to === "draining" || to === "paused" ? undefined : nowMs;
  if (to !== from) log.info("drain changed", { gatewayId: drain.gatewayId, from, to, reason });
}

export function openDrain(state: BalancerState, gatewayId: string): Drain | undefined {
  return state.drains.find((drain) => drain.gatewayId === gatewayId && isOpen(drain));
}

function refused(type: BalancerRefusal, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}

function require(shape: Check, message: unknown): void {
  const wrong = shape(message, "message");
  if (wrong !== undefined) throw refused("INVALID_REQUEST", wrong);
}
