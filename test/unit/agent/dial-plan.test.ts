import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fullJitterMs,
  halfJitterMs,
  reconnectBackoff,
  supersededBackoff,
} from "../../../src/agent/backoff.ts";
import { DialPlan, type DialOutcome } from "../../../src/agent/dial-plan.ts";
import { dialUrl, mayReplace } from "../../../src/agent/gateway-urls.ts";

const [a, b, c] = ["ws://a/agent", "ws://b/agent", "ws://c/agent"];
/** The longest jitter there is. */
const most = () => 0.999_999;

/** Dials and fails so often; gives the URLs and when they were dialled. */
function tries(plan: DialPlan, count: number, outcome: DialOutcome = { type: "failed" }) {
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    const { url, restMs } = plan.next(nowMs);
    nowMs += restMs;
    plan.ended(outcome, nowMs);
    return { url, restMs };
  });
}

describe("back-off", () => {
  test("full jitter - anywhere from zero to a ceiling that doubles up to its cap", () => {
    const ceilings = [0, 1, 2, 3, 4, 5, 6, 60].map((failures) =>
      Math.round(fullJitterMs(reconnectBackoff, failures, most()) / 1_000),
    );
    expect(ceilings).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
    expect(fullJitterMs(reconnectBackoff, 5, 0)).toBe(0);
    expect(halfJitterMs(supersededBackoff, 0, 0)).toBe(15_000);
  });
});

describe("dial plan", () => {
  test("dead gateways - the others at once, a rest after each whole round, longer each time", () => {
    const dialled = tries(new DialPlan([a, b, c], most), 9);
    expect(dialled.map(({ url }) => url)).toEqual([a, b, c, a, b, c, a, b, c]);
    const rests = dialled.map(({ restMs }) => Math.round(restMs / 1_000));
    expect(rests).toEqual([0, 0, 0, 1, 0, 0, 2, 0, 0]);
  });

  test("one dead gateway - it never gives up and never rests longer than 30 s", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(1_000), (count, seed) => {
        let state = seed;
        const random = () => (state = (state * 9301 + 49297) % 233280) / 233280;
        const dialled = tries(new DialPlan([a], random), count);
        expect(dialled.every(({ url, restMs }) => url === a && restMs <= 30_000)).toBe(true);
      }),
    );
  });

  test("retryAfterMs - that gateway is left alone so long, the others are not", () => {
    const plan = new DialPlan([a, b], () => 0);
    plan.next(0);
    plan.ended({ type: "failed", retryAfterMs: 5_000 }, 0);
    expect(plan.next(0)).toEqual({ url: b, restMs: 0 });
    plan.ended({ type: "failed" }, 0);
    expect(plan.next(0)).toEqual({ url: b, restMs: 0 });
    plan.ended({ type: "failed" }, 0);
    expect(plan.next(100)).toEqual({ url: a, restMs: 4_900 });
  });

  test("refused - not before the time that was named, and then another gateway; never all of them at once", () => {
    const dialled = tries(new DialPlan([a, b, c], most), 7, {
      type: "refused",
      retryAfterMs: 60_000,
    });
    expect(dialled.map(({ url }) => url)).toEqual([a, b, c, a, b, c, a]);
    expect(dialled.map(({ restMs }) => restMs)).toEqual([0, ...Array<number>(6).fill(60_000)]);
  });

  test("refused after dead gateways - the dead ones do not bring the next try forward", () => {
    const plan = new DialPlan([a, b], () => 0);
    plan.next(0);
    plan.ended({ type: "failed" }, 0);
    expect(plan.next(0)).toEqual({ url: b, restMs: 0 });
    plan.ended({ type: "refused", retryAfterMs: 60_000 }, 0);
    expect(plan.next(0)).toEqual({ url: a, restMs: 60_000 });
    plan.ended({ type: "failed" }, 60_000);
    expect(plan.next(60_000)).toEqual({ url: b, restMs: 0 });
  });

  test("retryAfterMs - an absurd one is bounded to an hour", () => {
    for (const type of ["refused", "failed"] as const) {
      const plan = new DialPlan([a], () => 0);
      plan.next(0);
      plan.ended({ type, retryAfterMs: 1e15 }, 0);
      expect(plan.next(0)).toEqual({ url: a, restMs: 3_600_000 });
    }
  });

  test("lost after a long session - the same gateway again within a second, failures forgotten", () => {
    const plan = new DialPlan([a, b], most);
    for (let i = 0; i < 8; i++) {
      plan.next(0);
      plan.ended({ type: "failed" }, 0);
    }
    const { url } = plan.next(60_000);
    plan.ended({ type: "lost", openForMs: 60_000 }, 120_000);
    expect(plan.next(120_000)).toEqual({ url, restMs: 999 });
  });

  test("lost at once again and again - the next gateway, and longer rests", () => {
    const rests = tries(new DialPlan([a, b], most), 5, { type: "lost", openForMs: 10 });
    expect(rests.map(({ url }) => url)).toEqual([a, b, a, b, a]);
    expect(rests.map(({ restMs }) => Math.round(restMs / 1_000))).toEqual([0, 1, 2, 4, 8]);
  });

  test("sent away - to the next gateway at once; with one only, after a rest", () => {
    const two = tries(new DialPlan([a, b], most), 2, { type: "sentAway", openForMs: 60_000 });
    expect(two).toEqual([
      { url: a, restMs: 0 },
      { url: b, restMs: 0 },
    ]);
    const one = tries(new DialPlan([a], most), 2, { type: "sentAway", openForMs: 60_000 });
    expect(one[1]).toEqual({ url: a, restMs: 999 });
    const busy = { type: "sentAway", openForMs: 60_000, retryAfterMs: 5_000 } as const;
    expect(tries(new DialPlan([a], most), 2, busy)[1]).toEqual({ url: a, restMs: 5_000 });
  });

  test("sent away by a gateway that the list names no more - to the first of the list at once", () => {
    const plan = new DialPlan([a], most);
    plan.next(0);
    plan.movedTo(b);
    plan.learn([c]);
    plan.ended({ type: "sentAway", openForMs: 60_000, retryAfterMs: 5_000 }, 60_000);
    expect(plan.next(60_000)).toEqual({ url: c, restMs: 0 });
    plan.ended({ type: "failed" }, 60_000);
    expect(plan.next(60_000)).toEqual({ url: a, restMs: 0 });
  });

  test("superseded - rests half a minute and more, so that two of a kind do not fight", () => {
    const plan = new DialPlan([a, b], () => 0);
    const rests = tries(plan, 4, { type: "superseded" }).map(({ restMs }) => restMs);
    expect(rests).toEqual([0, 15_000, 30_000, 60_000]);
  });

  test("learnt gateways - come first, the configured ones stay as a last resort", () => {
    const plan = new DialPlan([a], most);
    plan.next(0);
    plan.learn(["ws://b", c, "nonsense", "http://x"]);
    expect(plan.urls).toEqual([b, c, a]);
    plan.learn([]);
    expect(plan.urls).toEqual([a]);
    expect(plan.next(0).url).toBe(a);
  });

  test("any course of events - there is always a gateway to dial, from the list", () => {
    const outcome: fc.Arbitrary<DialOutcome> = fc.oneof(
      fc.constant({ type: "failed" as const }),
      fc.nat(60_000).map((retryAfterMs) => ({ type: "failed" as const, retryAfterMs })),
      fc.nat(60_000).map((openForMs) => ({ type: "lost" as const, openForMs })),
      fc.nat(60_000).map((openForMs) => ({ type: "sentAway" as const, openForMs })),
      fc.constant({ type: "superseded" as const }),
      fc.nat(60_000).map((retryAfterMs) => ({ type: "refused" as const, retryAfterMs })),
    );
    const step = fc.record({ outcome, learn: fc.option(fc.subarray([a, b, c])), passMs: fc.nat() });
    fc.assert(
      fc.property(fc.subarray([a, b, c], { minLength: 1 }), fc.array(step), (urls, steps) => {
        const plan = new DialPlan(urls);
        let nowMs = 0;
        for (const { outcome: end, learn, passMs } of steps) {
          const { url, restMs } = plan.next(nowMs);
          expect(plan.urls).toContain(url);
          expect(restMs).toBeLessThanOrEqual(300_000);
          nowMs += restMs + passMs;
          if (learn !== null) plan.learn(learn);
          plan.ended(end, nowMs);
        }
      }),
    );
  });
});

describe("gateway URLs", () => {
  test("path - added when there is none", () => {
    expect(dialUrl("ws://h:8250")).toBe("ws://h:8250/agent");
    expect(dialUrl("wss://h/other")).toBe("wss://h/other");
  });

  test("no way back from TLS - an agent that was set up with wss follows no ws", () => {
    expect(mayReplace("ws://h", ["wss://a"])).toBe(false);
    expect(mayReplace("wss://h", ["ws://a"])).toBe(true);
    expect(mayReplace("ws://h", ["ws://a"])).toBe(true);
  });
});
