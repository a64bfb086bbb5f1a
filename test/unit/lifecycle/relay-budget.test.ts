import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  pingTimeoutMs,
  planRelays,
  relayIsDue,
  relayPeriodMsMax,
  spreadOf,
  vouchAtConnectMs,
} from "../../../src/lifecycle/index.ts";

const load = { agents: 100, pingIntervalMs: 60_000, budgetPerSecond: 2 };

describe("relay plan", () => {
  test("under the budget - every ping is relayed and nobody vouches", () => {
    expect(planRelays(load)).toEqual({ periodMs: 60_000, vouchForMs: 0 });
    expect(planRelays({ ...load, agents: 120 })).toEqual({ periodMs: 60_000, vouchForMs: 0 });
  });

  test("over it - relays are stretched evenly, and the gateway vouches for as long", () => {
    expect(planRelays({ ...load, agents: 1_000 })).toEqual({
      periodMs: 500_000,
      vouchForMs: 500_000,
    });
  });

  test("far over it - one hour at most", () => {
    expect(planRelays({ ...load, agents: 100_000 }).periodMs).toBe(relayPeriodMsMax);
    expect(planRelays({ ...load, budgetPerSecond: 0 }).periodMs).toBe(relayPeriodMsMax);
  });

  test("any load - the budget holds unless the hour is reached, and no period is below the interval", () => {
    const loads = fc.record({
      agents: fc.integer({ min: 1, max: 100_000 }),
      pingIntervalMs: fc.integer({ min: 100, max: 3_600_000 }),
      budgetPerSecond: fc.double({ min: 0.01, max: 1_000, noNaN: true }),
    });
    fc.assert(
      fc.property(loads, (one) => {
        const { periodMs, vouchForMs } = planRelays(one);
        expect(periodMs).toBeGreaterThanOrEqual(one.pingIntervalMs);
        expect([0, periodMs]).toContain(vouchForMs);
        if (periodMs < relayPeriodMsMax && one.pingIntervalMs < relayPeriodMsMax) {
          expect(one.agents / (periodMs / 1_000)).toBeLessThanOrEqual(
            one.budgetPerSecond * 1.000_1,
          );
        }
      }),
    );
  });
});

describe("a ping", () => {
  const plan = { periodMs: 500_000, vouchForMs: 500_000 };
  const ping = { nowMs: 1_000_000, plan, pingIntervalMs: 60_000, endsLateSpell: false };

  test("is relayed when the period is over, or would be before the next ping is due", () => {
    expect(relayIsDue({ ...ping, lastRelayAtMs: undefined })).toBe(true);
    expect(relayIsDue({ ...ping, lastRelayAtMs: 500_000 })).toBe(true);
    expect(relayIsDue({ ...ping, lastRelayAtMs: 525_000 })).toBe(true);
    expect(relayIsDue({ ...ping, lastRelayAtMs: 540_000 })).toBe(false);
  });

  test("is always relayed when it ends a late spell, or nobody vouches", () => {
    expect(relayIsDue({ ...ping, lastRelayAtMs: 999_999, endsLateSpell: true })).toBe(true);
    expect(
      relayIsDue({ ...ping, lastRelayAtMs: 999_999, plan: { periodMs: 60_000, vouchForMs: 0 } }),
    ).toBe(true);
  });

  test("never comes too late for the workflow: vouched time plus time-out covers the gap between relays", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_600_000 }),
        fc.integer({ min: 100, max: 600_000 }),
        (periodMs, pingIntervalMs) => {
          const stretched = { periodMs, vouchForMs: periodMs };
          let lastRelayAtMs = 0;
          for (let nowMs = 0; nowMs <= 3 * periodMs + 3 * pingIntervalMs; nowMs += pingIntervalMs) {
            const due = relayIsDue({
              nowMs,
              lastRelayAtMs,
              plan: stretched,
              pingIntervalMs,
              endsLateSpell: false,
            });
            if (!due) continue;
            expect(nowMs - lastRelayAtMs).toBeLessThanOrEqual(
              periodMs + pingTimeoutMs({ pingIntervalMs, pingTimeoutMultiplier: 2.5 }),
            );
            lastRelayAtMs = nowMs;
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("spreading", () => {
  test("agents that connect together relay apart", () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 1_000; i++) {
      const tenth = Math.floor(spreadOf(`host-${i}`) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(count).toBeGreaterThan(60);
  });

  test("the first vouch is a share of the period, none when every ping is relayed", () => {
    expect(vouchAtConnectMs({ periodMs: 60_000, vouchForMs: 0 }, 0.9)).toBe(0);
    expect(vouchAtConnectMs({ periodMs: 500_000, vouchForMs: 500_000 }, 0.5)).toBe(250_000);
  });

  test("the same id has the same place, below 1", () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        expect(spreadOf(id)).toBe(spreadOf(id));
        expect(spreadOf(id)).toBeGreaterThanOrEqual(0);
        expect(spreadOf(id)).toBeLessThan(1);
      }),
    );
  });
});
