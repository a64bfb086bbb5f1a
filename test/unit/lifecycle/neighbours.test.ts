import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blindReport,
  combineNeighbours,
  neighbourReport,
} from "../../../src/lifecycle/neighbours.ts";

const seen = neighbourReport("n1", { result: true, seen: true, details: "replied to ICMP." });
const unseen = neighbourReport("n2", { result: true, seen: false, details: "no reply" });
const dead = neighbourReport("n3", { result: true, seen: false, proofOfDeath: "its fence is cut" });
const failed = neighbourReport("n4", { result: false, details: "no address" });

describe("neighbours", () => {
  it("seen by any - is Up, whatever the others say", () => {
    expect(combineNeighbours([unseen, dead, seen, failed])).toEqual({
      verdict: "Up",
      evidence:
        "n2 does not see it: no reply; n3 does not see it; n1 sees it: replied to ICMP; n4 could not look: no address.",
    });
  });

  it("seen by none, with proof of its death - is Down with that proof", () => {
    expect(combineNeighbours([unseen, dead, failed])).toMatchObject({
      verdict: "Down",
      proof: "n3 has proof: its fence is cut",
    });
  });

  it("seen by none - is Unknown and says what each saw", () => {
    const finding = combineNeighbours([unseen, failed, blindReport("n5", "could not be asked")]);
    expect(finding.verdict).toBe("Unknown");
    for (const name of ["n2", "n4", "n5"]) expect(finding.evidence).toContain(name);
  });

  it("no neighbours - is Unknown", () => {
    expect(combineNeighbours([]).verdict).toBe("Unknown");
  });

  it("proof beside a sighting, or from one that could not look - counts for nothing", () => {
    const proofOfDeath = "p";
    const both = neighbourReport("n", { result: true, seen: true, proofOfDeath });
    expect(combineNeighbours([both]).verdict).toBe("Up");
    const failing = neighbourReport("n", { result: false, seen: false, proofOfDeath });
    expect(combineNeighbours([failing]).verdict).toBe("Unknown");
    const vague = neighbourReport("n", { result: true, proofOfDeath });
    expect(combineNeighbours([vague]).verdict).toBe("Unknown");
  });

  it("rubbish - never throws, and is never Down without a proof in words", () => {
    fc.assert(
      fc.property(fc.array(fc.anything(), { maxLength: 4 }), (answers) => {
        const reports = answers.map((answer, i) => neighbourReport(`n${i}`, answer));
        const { verdict, evidence } = combineNeighbours(reports);
        expect(evidence).not.toBe("");
        const proven = answers.some((answer) => {
          const { proofOfDeath } = (answer ?? {}) as { proofOfDeath?: unknown };
          return typeof proofOfDeath === "string" && proofOfDeath.trim() !== "";
        });
        if (!proven) expect(verdict).not.toBe("Down");
      }),
    );
  });
});
