import { describe, expect, it } from "vitest";
import { retryOptions } from "../../../src/temporal/retry.ts";

const { delayFunction, retryableDecider } = retryOptions();
type Status = Parameters<typeof delayFunction>[1];
const resourceExhausted = 8;
const failedPrecondition = 9;
const status = (code: number, details: string) => ({ code, details }) as unknown as Status;
const betweenRuns = status(
  resourceExhausted,
  "workflow operation can not be applied because workflow is closing",
);

describe("a call that Temporal turned away", () => {
  it("is tried again in milliseconds when its workflow is between two runs, later each time", () => {
    expect(retryableDecider(1, betweenRuns)).toBe(true);
    const first = delayFunction(1, betweenRuns);
    expect(first).toBeGreaterThan(10);
    expect(first).toBeLessThan(50);
    expect(delayFunction(6, betweenRuns)).toBeGreaterThan(4 * first);
  });

  it("leaves an overloaded server alone for more than a second", () => {
    const overloaded = status(resourceExhausted, "namespace rate limit exceeded");
    expect(retryableDecider(1, overloaded)).toBe(true);
    expect(delayFunction(1, overloaded)).toBeGreaterThan(1_000);
  });

  it("is given up after some tries, and at once where none can help", () => {
    expect(retryableDecider(10, betweenRuns)).toBe(false);
    expect(retryableDecider(1, status(failedPrecondition, "unexpected task failure"))).toBe(false);
  });
});
