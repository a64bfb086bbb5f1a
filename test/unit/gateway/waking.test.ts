import { describe, expect, it } from "vitest";
import { JudgingClock } from "../../../src/gateway/judging-clock.ts";
import { Waking } from "../../../src/gateway/waking.ts";

/** A gateway whose time, and whose lease, are the test's. */
function gateway() {
  const own = { nowMs: 0, isStale: false };
  const clock = new JudgingClock(500, () => own.nowMs);
  const waking = new Waking(clock, own, () => own.nowMs);
  /** Time passes, and then the judging loop turns. */
  const turnAfter = (ms: number) => {
    own.nowMs += ms;
    const stalledMs = clock.tick();
    if (stalledMs > 0) waking.onStalled(stalledMs);
  };
  return { own, waking, turnAfter };
}

describe("a gateway that stood still for longer than its lease lasts", () => {
  it("waking - says so before its loop turns, and until its lease is confirmed", () => {
    const { own, waking, turnAfter } = gateway();
    turnAfter(200);
    own.nowMs += 7_000;
    own.isStale = true;
    expect(waking.isPending).toBe(true);
    turnAfter(0);
    turnAfter(200);
    expect(waking.isPending).toBe(true);
    own.isStale = false;
    expect(waking.isPending).toBe(false);
  });

  it("waking - goes on after a while when nobody can tell, as in any outage", () => {
    const { own, waking, turnAfter } = gateway();
    own.isStale = true;
    turnAfter(7_000);
    for (let i = 0; i < 24; i++) turnAfter(200);
    expect(waking.isPending).toBe(true);
    turnAfter(200);
    expect(waking.isPending).toBe(false);
  });
});

describe("a gateway that did not stand still", () => {
  it("waking - an outage of Temporal, a short stall, and one with its lease are none", () => {
    const { own, waking, turnAfter } = gateway();
    own.isStale = true;
    for (let i = 0; i < 100; i++) {
      turnAfter(200);
      expect(waking.isPending).toBe(false);
    }
    turnAfter(4_000);
    expect(waking.isPending).toBe(false);
    own.isStale = false;
    own.nowMs += 60_000;
    expect(waking.isPending).toBe(false);
  });
});
