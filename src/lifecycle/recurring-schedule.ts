/** When recurring Requests are due. The same on every replay: nothing here looks at a clock. */
import { Cron } from "croner";
import { recurringLimits } from "./recurring-types.ts";
import type { RecurringSchedule } from "./recurring-types.ts";

const cronShape = "must have five fields: minute hour day month weekday";
/** Croner would also take names for whole expressions, and a mark for the time at which it reads one. */
const fiveFields = /^\s*(?:[^\s@?]+\s+){4}[^\s@?]+\s*$/;

/**
 * The first time after `afterMs` at which it is due; undefined when there is none.
 * @param lastDueMs a time at which it was due: what is due every so often keeps its beat.
 * @throws Error for what `scheduleProblem` says.
 */
export function nextDueMs(
  schedule: RecurringSchedule,
  afterMs: number,
  lastDueMs = afterMs,
): number | undefined {
  if ("everySeconds" in schedule) {
    const everyMs = schedule.everySeconds * 1_000;
    return lastDueMs + everyMs * (Math.floor(Math.max(0, afterMs - lastDueMs) / everyMs) + 1);
  }
  return cronOf(schedule).nextRun(new Date(afterMs))?.getTime();
}

/** What is wrong with a schedule, and what to change; undefined when nothing is. */
export function scheduleProblem(schedule: RecurringSchedule, nowMs: number): string | undefined {
  if ("everySeconds" in schedule) {
    const { everySecondsMin, everySecondsMax } = recurringLimits;
    const { everySeconds } = schedule;
    const fits = everySeconds >= everySecondsMin && everySeconds <= everySecondsMax;
    return fits && Number.isInteger(everySeconds)
      ? undefined
      : `everySeconds must be a whole number from ${everySecondsMin} to ${everySecondsMax}`;
  }
  const { cron, timezone = "UTC" } = schedule;
  if (!isTimezone(timezone)) {
    return `timezone ${timezone} is not known: give a name of the IANA database such as Europe/Berlin`;
  }
  if (!fiveFields.test(cron)) return `cron ${cron} ${cronShape}`;
  try {
    if (nextDueMs(schedule, nowMs) !== undefined) return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `cron ${cron} ${cronShape}: ${why}`;
  }
  return `cron ${cron} is never due: no such day exists`;
}

/** In words, for events and views. */
export function describeSchedule(schedule: RecurringSchedule): string {
  if ("everySeconds" in schedule) return `every ${schedule.everySeconds} s`;
  return `cron ${schedule.cron} (${schedule.timezone ?? "UTC"})`;
}

function cronOf({ cron, timezone = "UTC" }: { cron: string; timezone?: string }): Cron {
  return new Cron(cron, { timezone, mode: "5-part", paused: true });
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
