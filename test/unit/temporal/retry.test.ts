import { describe, expect, it } from "vitest";
import { retryOptions, untilAnswered } from "../../../src/temporal/retry.ts";

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

describe("a call over Core", () => {
  /** As Core throws it: the words are in the message. */
  const refused = (code: number, message: string) =>
    Object.assign(new Error(message), { code, details: "", metadata: {} });
  const failing = (times: number, error: Error) => {
    const withinMs: number[] = [];
    return {
      withinMs,
      send: (ms: number) => {
        withinMs.push(ms);
        return withinMs.length > times ? Promise.resolve("answer") : Promise.reject(error);
      },
    };
  };
  const soon = () => Date.now() + 5_000;

  it("is tried again between two runs of its workflow, and when it went down with its connection", async () => {
    for (const error of [refused(resourceExhausted, betweenRuns.details), refused(1, "canceled")]) {
      const { send, withinMs } = failing(2, error);
      expect(await untilAnswered(send, soon())).toBe("answer");
      expect(withinMs).toHaveLength(3);
      // What is left of the deadline, not all of it again.
      expect(withinMs[2]).toBeLessThan(withinMs[0] ?? 0);
    }
  });

  it("is not tried again where that can't help, nor beyond its deadline; the words are in the details then", async () => {
    const invalid = failing(9, refused(3, "bad"));
    await expect(untilAnswered(invalid.send, soon())).rejects.toMatchObject({ details: "bad" });
    expect(invalid.withinMs).toHaveLength(1);
    const overloaded = failing(9, refused(resourceExhausted, "rate limit"));
    await expect(untilAnswered(overloaded.send, Date.now() + 500)).rejects.toMatchObject({
      code: resourceExhausted,
    });
    expect(overloaded.withinMs).toHaveLength(1);
  });

  it("passes on what is no answer of a server", async () => {
    const send = () => Promise.reject(new TypeError("a mistake of ours"));
    await expect(untilAnswered(send, soon())).rejects.toThrow("a mistake of ours");
  });
});
