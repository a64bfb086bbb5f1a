import fc from "fast-check";
import { expect, test } from "vitest";
import { mustRearm, nextWakeMs, pingDeadlineMs } from "../../../src/lifecycle/index.ts";

const settings = { pingIntervalMs: 60_000, pingTimeoutMultiplier: 2.5 };

test("ping deadline - last ping, plus what is vouched for, plus 2.5 intervals", () => {
  expect(pingDeadlineMs({ lastPingAtMs: 1_000, vouchForMs: 0 }, settings)).toBe(151_000);
  expect(pingDeadlineMs({ lastPingAtMs: 1_000, vouchForMs: 3_600_000 }, settings)).toBe(3_751_000);
});

test("next wake - the nearest, none without any", () => {
  expect(nextWakeMs([])).toBeUndefined();
  expect(nextWakeMs([undefined, 5, undefined, 3])).toBe(3);
  expect(nextWakeMs([undefined])).toBeUndefined();
});

test("timer - never later than the nearest deadline, and set anew only for an earlier one", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(), { nil: undefined })), (wakes) => {
      let armed: number | undefined;
      for (const wake of wakes) {
        const before = armed;
        if (mustRearm(armed, wake)) armed = wake;
        if (wake !== undefined) expect(armed).toBeLessThanOrEqual(wake);
        if (before !== undefined && armed !== before) expect(armed).toBeLessThan(before);
      }
    }),
  );
});
