import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../../../src/client/latency-histogram.ts";

function of(durations: readonly number[]) {
  const histogram = new LatencyHistogram();
  for (const tookMs of durations) histogram.record(tookMs);
  return histogram.summary();
}

describe("LatencyHistogram", () => {
  it("nothing - is all zeros", () => {
    expect(of([])).toEqual({
      count: 0,
      minMs: 0,
      meanMs: 0,
      p50Ms: 0,
      p90Ms: 0,
      p99Ms: 0,
      maxMs: 0,
      buckets: [],
    });
  });

  it("a bound - belongs to the bucket that it ends", () => {
    expect(of([1, 1.01, 2, 0]).buckets).toEqual([
      { upToMs: 2 ** -7, count: 1 },
      { upToMs: 1, count: 1 },
      { upToMs: 2 ** (1 / 8), count: 1 },
      { upToMs: 2, count: 1 },
    ]);
  });

  it("percentiles - are never below the true one, at most 9.1 % above, and no longer than the longest", () => {
    const durations = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(durations, (given) => {
        const summary = of(given);
        const sorted = [...given].sort((a, b) => a - b);
        for (const [share, found] of [
          [0.5, summary.p50Ms],
          [0.9, summary.p90Ms],
          [0.99, summary.p99Ms],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
          expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-6));
          expect(found).toBeLessThanOrEqual(exact * 1.091);
          expect(found).toBeLessThanOrEqual(summary.maxMs);
        }
        expect(summary.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(given.length);
        expect(summary.minMs).toBe(sorted[0]);
        expect(summary.maxMs).toBe(sorted.at(-1));
      }),
    );
  });
});
