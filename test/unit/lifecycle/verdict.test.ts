import { expect, test } from "vitest";
import { concludingFinding, decideVerdict } from "../../../src/lifecycle/index.ts";
import type { InvestigatorFinding, Verdict } from "../../../src/lifecycle/index.ts";

const finding = (investigator: string, verdict: Verdict): InvestigatorFinding => ({
  investigator,
  verdict,
  evidence: `${investigator} looked`,
});
const decide = (status: "Disconnected" | "Alert" | "Down", concluding?: InvestigatorFinding) =>
  decideVerdict({ status, finding: concluding, nowMs: 1_000, investigateRetryMs: 60_000 });

test("concluding finding - the first Up or Down, in the order asked", () => {
  const unknown = finding("agent", "Unknown");
  const up = finding("ping", "Up");
  const down = finding("neighbour", "Down");
  expect(concludingFinding([unknown, up, down])).toBe(up);
  expect(concludingFinding([unknown, down, up])).toBe(down);
  expect(concludingFinding([unknown])).toBe(unknown);
  expect(concludingFinding([])).toBeUndefined();
});

test("verdict - Down moves the Status, raises an alert and ends the asking", () => {
  expect(decide("Disconnected", finding("ping", "Down"))).toEqual({
    events: ["HostDown"],
    reason: "Investigator ping: ping looked",
    raiseAlert: true,
    investigateAgainAtMs: undefined,
  });
  expect(decide("Down", finding("ping", "Down")).raiseAlert).toBe(false);
});

test.each(["Up", "Unknown"] as const)(
  "verdict - %s moves nothing and is asked again",
  (verdict) => {
    for (const status of ["Disconnected", "Alert"] as const) {
      expect(decide(status, finding("ping", verdict))).toMatchObject({
        events: [],
        raiseAlert: false,
        investigateAgainAtMs: 61_000,
      });
    }
  },
);

test("verdict - nobody to ask is as good as Unknown", () => {
  expect(decide("Disconnected").events).toEqual([]);
});
