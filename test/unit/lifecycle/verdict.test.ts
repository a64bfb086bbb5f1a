import { expect, test } from "vitest";
import type { Verdict } from "../../../src/api/index.ts";
import { concludingFinding } from "../../../src/lifecycle/index.ts";
import type { InvestigatorFinding } from "../../../src/lifecycle/index.ts";

const finding = (investigator: string, verdict: Verdict): InvestigatorFinding => ({
  investigator,
  verdict,
  evidence: `${investigator} looked`,
});

test("concluding finding - the first Up or Down, in the order asked", () => {
  const unknown = finding("agent", "Unknown");
  const up = finding("ping", "Up");
  const down = finding("neighbour", "Down");
  expect(concludingFinding([unknown, up, down])).toBe(up);
  expect(concludingFinding([unknown, down, up])).toBe(down);
  expect(concludingFinding([unknown])).toBe(unknown);
  expect(concludingFinding([])).toBeUndefined();
});
