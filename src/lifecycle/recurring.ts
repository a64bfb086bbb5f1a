/**
 * The rules of recurring Requests (the original's CronCommand): what may be added, whose turn it is, what becomes of a turn.
 * The functions change the state in place and nothing else; `nowMs` is an argument.
 */
import type { Answer } from "../api/index.ts";
import { clip } from "./clip.ts";
import { nextDueMs, scheduleProblem } from "./recurring-schedule.ts";
import { recurringLimits } from "./recurring-types.ts";
import type { Recurring, RecurringOrder } from "./recurring-types.ts";
import { sizeOf } from "./size-of.ts";

const detailsCharsMax = 200;
/** The last moment that a Date can hold: a schedule that is never due any more. */
const neverMs = 8_640_000_000_000_000;

/** Why an order is not taken, with what to change. */
export interface RecurringProblem {
  readonly code: "INVALID_REQUEST" | "TOO_MANY_RECURRING";
  readonly message: string;
}

/** Why an order would be refused; undefined when `putRecurring` may follow. Changes nothing. */
export function recurringProblem(
  all: readonly Recurring[],
  order: RecurringOrder,
  nowMs: number,
): RecurringProblem | undefined {
  const wrong = scheduleProblem(order.schedule, nowMs);
  if (wrong !== undefined) return { code: "INVALID_REQUEST", message: wrong };
  const others = all.filter(({ order: { name } }) => name !== order.name);
  if (others.length >= recurringLimits.count) {
    const message = `The agent has ${others.length} recurring Requests, the most it may have. Remove one first.`;
    return { code: "TOO_MANY_RECURRING", message };
  }
  const bytes = sizeOf(order);
  const othersBytes = others.reduce((sum, one) => sum + one.bytes, 0);
  if (othersBytes + bytes <= recurringLimits.bytes) return undefined;
  const message = `It has ${bytes} bytes, the agent's others ${othersBytes}: ${recurringLimits.bytes} together are the most. Send less in it, or remove another.`;
  return { code: "TOO_MANY_RECURRING", message };
}

/**
 * Takes an order up, in the place of one of the same name; the very same again changes nothing. A run that goes on goes
 * on, and holds up the first turn.
 * @returns what was there of that name before: undefined when it is new.
 */
export function putRecurring(
  all: Recurring[],
  order: RecurringOrder,
  nowMs: number,
): { readonly recurring: Recurring; readonly change: "added" | "replaced" | "none" } {
  const index = all.findIndex(({ order: { name } }) => name === order.name);
  const before = all[index];
  if (before !== undefined && JSON.stringify(before.order) === JSON.stringify(order)) {
    return { recurring: before, change: "none" };
  }
  const goesOn = before?.lastRun !== undefined && before.lastRun.answers === undefined;
  const recurring: Recurring = {
    order,
    bytes: sizeOf(order),
    nextAtMs: nextDueMs(order.schedule, nowMs) ?? neverMs,
    runs: 0,
    failed: 0,
    skipped: 0,
    ...(goesOn && { lastRun: before.lastRun }),
  };
  if (before === undefined) all.push(recurring);
  else all[index] = recurring;
  return { recurring, change: before === undefined ? "added" : "replaced" };
}

/** Those whose turn it is. */
export function dueRecurring(all: readonly Recurring[], nowMs: number): readonly Recurring[] {
  return all.filter(({ nextAtMs }) => nextAtMs <= nowMs);
}

/** When the next turn comes; undefined when there is none. */
export function nextTurnMs(all: readonly Recurring[]): number | undefined {
  let nearest: number | undefined;
  for (const { nextAtMs } of all) {
    if (nearest === undefined || nextAtMs < nearest) nearest = nextAtMs;
  }
  return nearest;
}

/** Why a turn that is due is left out because of the recurring Request itself; undefined when it may be taken. */
export function turnObstacle({ nextAtMs, lastRun }: Recurring, nowMs: number): string | undefined {
  if (nowMs - nextAtMs > recurringLimits.lateMsMax) {
    return "nobody was there to take it at its time, and it is too late now";
  }
  if (lastRun !== undefined && lastRun.answers === undefined) return "the run before still goes on";
  return undefined;
}

/** Its turn is taken, as that Request. Turns that were missed meanwhile are not caught up. */
export function noteTurn(recurring: Recurring, requestId: string, nowMs: number): void {
  recurring.runs++;
  recurring.lastRun = { requestId, atMs: nowMs };
  advance(recurring, nowMs);
}

/** Its turn is left out. */
export function noteSkip(recurring: Recurring, reason: string, nowMs: number): void {
  recurring.skipped++;
  recurring.lastSkip = { atMs: nowMs, reason: clip(reason, detailsCharsMax) };
  advance(recurring, nowMs);
}

function advance(recurring: Recurring, nowMs: number): void {
  const { schedule } = recurring.order;
  recurring.nextAtMs = nextDueMs(schedule, nowMs, recurring.nextAtMs) ?? neverMs;
}

/**
 * Its run of that Request has its Answers.
 * @returns whether its runs fail from now on, or succeed again; undefined when nothing changed.
 */
export function noteRunAnswers(
  recurring: Recurring,
  requestId: string,
  answers: readonly Answer[],
): "failed" | "succeeded" | undefined {
  const { lastRun, failing = false } = recurring;
  if (lastRun?.requestId !== requestId) return undefined;
  lastRun.answers = keepable(answers);
  const fails = answers.some(({ result }) => !result);
  if (fails) recurring.failed++;
  recurring.failing = fails;
  if (fails === failing) return undefined;
  return fails ? "failed" : "succeeded";
}

function keepable(answers: readonly Answer[]): readonly Answer[] {
  if (sizeOf(answers) <= recurringLimits.answersBytes) return answers;
  return answers.map(({ type, commandId, result, outcome, errorCode, details }) => ({
    type,
    commandId,
    result,
    ...(outcome !== undefined && { outcome }),
    ...(errorCode !== undefined && { errorCode }),
    details: clip(details ?? "The Answer was too large to be kept whole.", detailsCharsMax),
  }));
}
