import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { areComingBack, tellPace } from "../../../src/lifecycle/lost-gateway.ts";

const seen = { agents: 5_000, unchangedForMs: 500, waitedMs: 10_000, pingTimeoutMs: 150_000 };

describe("agents of a lost gateway", () => {
  test("some came back just now - the others are waited for", () => {
    expect(areComingBack(seen)).toBe(true);
  });

  test.each([
    ["all are back", { agents: 0 }],
    ["nobody came back for a while", { unchangedForMs: 2_000 }],
    ["a fifth of their ping time-out is over", { waitedMs: 30_000 }],
    ["a fifth of a short ping time-out is over", { waitedMs: 2_000, pingTimeoutMs: 10_000 }],
  ])("%s - nobody is waited for", (_what, change) => {
    expect(areComingBack({ ...seen, ...change })).toBe(false);
  });

  test("a few - are told at 100 a second", () => {
    for (const agents of [0, 1, 4_000]) {
      expect(tellPace(agents, 150_000)).toEqual({ batch: 50, batchMs: 500, atOnce: 10 });
    }
  });

  test("however many - are waited for and told before their ping time-out is over, with half of it to spare", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 2_500, max: 9_000_000 }),
        (agents, pingTimeoutMs) => {
          const { batch, batchMs } = tellPace(agents, pingTimeoutMs);
          // The last batch is not waited for.
          const tellMs = (Math.ceil(agents / batch) - 1) * batchMs;
          expect(tellMs + 0.2 * pingTimeoutMs).toBeLessThanOrEqual(0.5 * pingTimeoutMs);
        },
      ),
    );
  });
});
