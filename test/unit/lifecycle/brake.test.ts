import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideBrake } from "../../../src/lifecycle/index.ts";
import type { BrakeState, PlaceLosses } from "../../../src/lifecycle/index.ts";

const settings = { brakeShare: 0.3, brakeWindowMs: 300_000, brakeLostMin: 5 };
const nowMs = 10_000_000;
const off: BrakeState = { sinceMs: null, releasedUntilMs: null };
const on: BrakeState = { sinceMs: nowMs - 60_000, releasedUntilMs: null };
const losses = (total: number, lostNow: number, lostInWindow = lostNow): PlaceLosses => ({
  total,
  lostNow,
  lostInWindow,
});
const decide = (place: PlaceLosses, state: BrakeState) =>
  decideBrake(place, state, settings, nowMs);

describe("a brake that is off", () => {
  test("brake - begins when more than the share is lost within the window", () => {
    expect(decide(losses(20, 7), off)).toMatchObject({ held: true, change: "begins" });
    expect(decide(losses(20, 6), off)).toMatchObject({ held: false, change: "none" });
  });

  test("brake - few lost hosts of a small cluster are no storm", () => {
    expect(decide(losses(4, 4), off).held).toBe(false);
  });

  test("brake - losses older than the window do not begin it", () => {
    expect(decide(losses(20, 20, 3), off).held).toBe(false);
  });
});

describe("a brake that is on", () => {
  test("brake - losses that grow old do not end it", () => {
    expect(decide(losses(20, 20, 0), on)).toMatchObject({ held: true, change: "none" });
  });

  test("brake - ends when no more than the share is lost any more", () => {
    expect(decide(losses(20, 6), on)).toMatchObject({ held: false, change: "ends" });
  });

  test("brake - an operator's release lets Down through until it is over", () => {
    const released = { ...on, releasedUntilMs: nowMs + 1 };
    expect(decide(losses(20, 20), released)).toMatchObject({ held: false, change: "ends" });
    const over = { sinceMs: null, releasedUntilMs: nowMs };
    expect(decide(losses(20, 20), over)).toMatchObject({ held: true, change: "begins" });
  });
});

test("brake - a share of 1 switches it off, whatever is lost", () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.nat(1_000), fc.boolean(), (total, lost, isOn) => {
      const place = losses(total, Math.min(total, lost));
      expect(decideBrake(place, isOn ? on : off, { ...settings, brakeShare: 1 }, nowMs).held).toBe(
        false,
      );
    }),
  );
});
