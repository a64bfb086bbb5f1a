import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import {
  describeSchedule,
  dueRecurring,
  nextDueMs,
  nextTurnMs,
  noteRunAnswers,
  noteSkip,
  noteTurn,
  putRecurring,
  recurringLimits,
  recurringProblem,
  scheduleProblem,
  sizeOf,
  turnObstacle,
} from "../../../src/lifecycle/index.ts";
import type { Recurring, RecurringOrder, RecurringSchedule } from "../../../src/lifecycle/index.ts";

const at = (iso: string) => new Date(iso).getTime();
const nowMs = at("2026-11-27T12:00:00Z");

function order(fields: Partial<RecurringOrder> = {}): RecurringOrder {
  const commands = [{ type: "CheckHealth" }];
  return { name: "health", commands, schedule: { everySeconds: 60 }, onError: "stop", ...fields };
}
function answer(result: boolean, more: object = {}): Answer {
  return { type: "CheckHealthAnswer", commandId: "c", result, ...more };
}
function added(fields: Partial<RecurringOrder> = {}): Recurring {
  return putRecurring([], order(fields), nowMs).recurring;
}

describe("schedules", () => {
  const cases: readonly [RecurringSchedule, string, string][] = [
    [{ cron: "*/5 * * * *" }, "2026-11-27T12:00:00Z", "2026-11-27T12:05:00Z"],
    [{ cron: "*/5 * * * *" }, "2026-11-27T12:04:59.999Z", "2026-11-27T12:05:00Z"],
    [{ cron: "0 2 * * *" }, "2026-11-27T12:00:00Z", "2026-11-28T02:00:00Z"],
    [{ cron: "0 2 * * *", timezone: "Asia/Tokyo" }, "2026-11-27T12:00:00Z", "2026-11-27T17:00:00Z"],
    [{ cron: "30 6 * * MON-FRI" }, "2026-11-27T12:00:00Z", "2026-11-30T06:30:00Z"],
    // The day of the month or the weekday, as cron has it.
    [{ cron: "0 0 1 * SUN" }, "2026-11-27T12:00:00Z", "2026-11-29T00:00:00Z"],
    [{ cron: "0 0 29 2 *" }, "2026-11-27T12:00:00Z", "2028-02-29T00:00:00Z"],
    // Summer time begins: 02:30 does not exist, and is taken when the hour is over.
    [
      { cron: "30 2 * * *", timezone: "Europe/Berlin" },
      "2027-03-27T12:00:00Z",
      "2027-03-28T01:00:00Z",
    ],
    // It ends: 02:30 comes twice, and is taken the first time.
    [
      { cron: "30 2 * * *", timezone: "Europe/Berlin" },
      "2026-10-24T12:00:00Z",
      "2026-10-25T00:30:00Z",
    ],
    [
      { cron: "30 2 * * *", timezone: "Europe/Berlin" },
      "2026-10-25T00:30:00Z",
      "2026-10-26T01:30:00Z",
    ],
    [{ everySeconds: 90 }, "2026-11-27T12:00:00Z", "2026-11-27T12:01:30Z"],
  ];
  test.each(cases)("next turn - %j after %s is %s", (schedule, after, expected) => {
    expect(nextDueMs(schedule, at(after))).toBe(at(expected));
  });

  test("next turn - what is due every so often keeps its beat, however late it is asked for", () => {
    const schedule = { everySeconds: 60 };
    expect(nextDueMs(schedule, 60_000, 60_000)).toBe(120_000);
    expect(nextDueMs(schedule, 60_001, 60_000)).toBe(120_000);
    expect(nextDueMs(schedule, 119_999, 60_000)).toBe(120_000);
    expect(nextDueMs(schedule, 3_600_000 + 59_000, 60_000)).toBe(3_660_000);
  });

  test("next turn - is always later, and on every replay the same", () => {
    const schedules: RecurringSchedule[] = ["Europe/Berlin", "America/New_York", "UTC"].flatMap(
      (timezone) =>
        ["*/7 * * * *", "30 2 * * *", "0 */3 1,15 * MON"].map((cron) => ({ cron, timezone })),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...schedules, { everySeconds: 37 }),
        fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2030-01-01T00:00:00Z") }),
        (schedule, afterMs) => {
          const next = nextDueMs(schedule, afterMs);
          expect(next).toBeGreaterThan(afterMs);
          expect(nextDueMs(schedule, afterMs)).toBe(next);
        },
      ),
      { numRuns: 300 },
    );
  });

  const wrong: readonly [RecurringSchedule, RegExp][] = [
    [{ cron: "* * * * * *" }, /five fields/],
    [{ cron: "@daily" }, /five fields/],
    [{ cron: "? * * * *" }, /five fields/],
    [{ cron: "61 * * * *" }, /minute/],
    [{ cron: "rubbish" }, /five fields/],
    [{ cron: "0 0 30 2 *" }, /never due/],
    [{ cron: "0 0 * * *", timezone: "Nowhere/Land" }, /Nowhere\/Land is not known/],
    [{ cron: "0 0 * * *", timezone: "" }, /not known/],
    [{ everySeconds: 9 }, /from 10/],
    [{ everySeconds: 10.5 }, /whole number/],
    [{ everySeconds: 1e9 }, /to 2678400/],
  ];
  test.each(wrong)("refusal - %j", (schedule, message) => {
    expect(scheduleProblem(schedule, nowMs)).toMatch(message);
  });

  test("in words - for events", () => {
    expect(describeSchedule({ everySeconds: 60 })).toBe("every 60 s");
    expect(describeSchedule({ cron: "0 2 * * *" })).toBe("cron 0 2 * * * (UTC)");
  });
});

describe("orders", () => {
  test("bounds - so many, of so many bytes together; one of the same name makes room for itself", () => {
    const all: Recurring[] = [];
    for (let i = 0; i < recurringLimits.count; i++) putRecurring(all, order({ name: `n${i}` }), 0);
    expect(recurringProblem(all, order(), nowMs)?.code).toBe("TOO_MANY_RECURRING");
    expect(recurringProblem(all, order({ name: "n7" }), nowMs)).toBeUndefined();
    const commands = [{ type: "WriteFile", data: "x".repeat(recurringLimits.bytes / 2) }];
    const half: Recurring[] = [];
    putRecurring(half, order({ commands }), 0);
    expect(recurringProblem(half, order({ commands }), nowMs)).toBeUndefined();
    const refusal = recurringProblem(half, order({ name: "other", commands }), nowMs);
    expect(refusal?.code).toBe("TOO_MANY_RECURRING");
    expect(refusal?.message).toContain("98304 together are the most");
  });

  test("the same again - changes nothing, so that asking twice is asking once", () => {
    const all: Recurring[] = [];
    const first = putRecurring(all, order(), 0);
    expect(first.change).toBe("added");
    const again = putRecurring(all, order(), 30_000);
    expect(again).toEqual({ recurring: first.recurring, change: "none" });
    expect(first.recurring.nextAtMs).toBe(60_000);
  });

  test("another of that name - replaces it, and its first turn waits for the run that goes on", () => {
    const all: Recurring[] = [];
    const { recurring: first } = putRecurring(all, order(), 0);
    noteTurn(first, "r1", 60_000);
    const { recurring, change } = putRecurring(
      all,
      order({ schedule: { everySeconds: 10 } }),
      61_000,
    );
    expect([change, all.length, recurring.runs]).toEqual(["replaced", 1, 0]);
    expect(turnObstacle(recurring, 71_000)).toBe("the run before still goes on");
    noteRunAnswers(recurring, "r1", [answer(true)]);
    expect(turnObstacle(recurring, 71_000)).toBeUndefined();
  });
});

describe("turns", () => {
  test("turns - come one at a time; those that were missed are not caught up", () => {
    const one = added();
    expect(nextTurnMs([one, added({ schedule: { everySeconds: 30 } })])).toBe(nowMs + 30_000);
    expect(nextTurnMs([])).toBeUndefined();
    expect(dueRecurring([one], nowMs + 59_999)).toEqual([]);
    expect(dueRecurring([one], nowMs + 60_000)).toEqual([one]);
    noteTurn(one, "r1", nowMs + 60_000);
    expect([one.runs, one.nextAtMs]).toEqual([1, nowMs + 120_000]);
    noteRunAnswers(one, "r1", [answer(true)]);
    const laterMs = nowMs + 120_000 + recurringLimits.lateMsMax;
    expect(turnObstacle(one, laterMs)).toBeUndefined();
    expect(turnObstacle(one, laterMs + 1)).toContain("too late");
    noteSkip(one, "because", laterMs + 1);
    expect(one).toMatchObject({
      runs: 1,
      skipped: 1,
      lastSkip: { atMs: laterMs + 1, reason: "because" },
      nextAtMs: laterMs + 60_000,
    });
  });

  test("outcomes - only a change is news, and Answers of another run are none of its", () => {
    const one = added();
    const run = (requestId: string, result: boolean) => {
      noteTurn(one, requestId, nowMs);
      return noteRunAnswers(one, requestId, [answer(true), answer(result)]);
    };
    const results = [true, false, false, true, true];
    expect(results.map((result, index) => run(`r${index}`, result))).toEqual([
      undefined,
      "failed",
      undefined,
      "succeeded",
      undefined,
    ]);
    expect([one.runs, one.failed]).toEqual([5, 2]);
    expect(noteRunAnswers(one, "r0", [answer(false)])).toBeUndefined();
    expect(one.failed).toBe(2);
  });

  test("Answers - those of the last run are kept, large ones without their fields", () => {
    const one = added();
    noteTurn(one, "r1", nowMs);
    noteRunAnswers(one, "r1", [answer(true, { details: "fine" })]);
    expect(one.lastRun?.answers).toEqual([answer(true, { details: "fine" })]);
    noteTurn(one, "r2", nowMs);
    noteRunAnswers(
      one,
      "r2",
      Array.from({ length: 10 }, () => answer(true, { vms: "x".repeat(500) })),
    );
    expect(one.lastRun?.answers).toHaveLength(10);
    expect(sizeOf(one)).toBeLessThan(3_000);
  });
});
