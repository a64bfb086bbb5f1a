import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideDelivery,
  deliveryPolicy,
  isRefusal,
  retryAfterMsOf,
  type DeliveryReply,
} from "../../../src/lifecycle/webhook-policy.ts";

const answered = (status: number, more: { retryAfterMs?: number; text?: string } = {}) =>
  ({ type: "answered", status, text: "", ...more }) as const;
const fresh = { failures: 0, refusals: 0, random: 0 };
const unreachable: DeliveryReply = { type: "unreachable", why: "It could not be reached: no net" };

describe("what follows from a try to deliver", () => {
  it.each([200, 201, 202, 204, 299])("%i - delivered", (status) => {
    expect(decideDelivery(answered(status), fresh)).toEqual({ type: "delivered" });
  });

  it.each([
    [500, false],
    [502, false],
    [503, false],
    [408, false],
    [425, false],
    [429, false],
    [404, true],
    [401, true],
    [301, true],
    [307, true],
  ])("%i - is tried again; a refusal: %s", (status, refusal) => {
    expect(decideDelivery(answered(status), fresh)).toMatchObject({
      type: "retry",
      afterMs: deliveryPolicy.firstRetryMs,
    });
    expect(isRefusal(answered(status))).toBe(refusal);
    const often = { ...fresh, refusals: deliveryPolicy.refusalsMax - 1 };
    const type = refusal ? "pause" : "retry";
    expect(decideDelivery(answered(status), often).type).toBe(type);
  });

  it("no answer - is tried for ever", () => {
    const long = { failures: 1_000_000, refusals: 0, random: 0 };
    expect(decideDelivery(unreachable, long)).toEqual({
      type: "retry",
      error: "It could not be reached: no net",
      afterMs: deliveryPolicy.retryMsMax,
    });
  });

  it("410 - pauses at once", () => {
    const decision = decideDelivery(answered(410, { text: "moved out" }), fresh);
    expect(decision).toMatchObject({ type: "pause" });
    expect(decision).toHaveProperty("error", expect.stringMatching(/410: moved out\. .*for good/));
  });

  it("back-off - doubles up to its limit, jitter takes at most half", () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, random) => {
          const decision = decideDelivery(answered(500), { failures, refusals: 0, random });
          if (decision.type !== "retry") throw new Error("not retried");
          const full = Math.min(300_000, 1_000 * 2 ** failures);
          expect(decision.afterMs).toBeLessThanOrEqual(full);
          expect(decision.afterMs).toBeGreaterThanOrEqual(Math.floor(full / 2));
        },
      ),
    );
  });

  it.each([
    [30_000, 30_000],
    [0, 1_000],
    [86_400_000, 3_600_000],
  ])("Retry-After of %i ms - waits %i ms", (asked, waits) => {
    const decision = decideDelivery(answered(503, { retryAfterMs: asked }), fresh);
    expect(decision).toMatchObject({ type: "retry", afterMs: waits });
  });

  it.each([
    ["120", 120_000],
    ["Thu, 01 Jan 1970 00:00:30 GMT", 20_000],
    ["Thu, 01 Jan 1970 00:00:01 GMT", 0],
    ["soon", undefined],
    [null, undefined],
  ])("Retry-After %s - is read", (header, ms) => {
    expect(retryAfterMsOf(header, 10_000)).toBe(ms);
  });
});
