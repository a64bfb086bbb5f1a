import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFinding } from "../../../src/lifecycle/finding.ts";

describe("finding", () => {
  it("a whole one - is passed on, proof with Down alone", () => {
    expect(
      readFinding("x", { verdict: "Up", evidence: " a reply ", proof: "none needed" }),
    ).toEqual({ investigator: "x", verdict: "Up", evidence: "a reply" });
    expect(readFinding("x", { verdict: "Down", evidence: "off", proof: "PowerState Off" })).toEqual(
      { investigator: "x", verdict: "Down", evidence: "off", proof: "PowerState Off" },
    );
  });

  it.each([
    ["no proof", {}],
    ["an empty proof", { proof: "" }],
    ["a blank proof", { proof: "  \n" }],
    ["a proof that is no text", { proof: true }],
  ])("Down with %s - is Unknown and says so", (_what, fields) => {
    const finding = readFinding("x", { verdict: "Down", evidence: "no reply", ...fields });
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("Investigator x said Down without proof");
    expect(finding.evidence).toContain("no reply");
    expect(finding).not.toHaveProperty("proof");
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", "Down"],
    ["a list", []],
    ["another verdict", { verdict: "Dead", evidence: "e" }],
    ["no evidence", { verdict: "Up" }],
    ["blank evidence", { verdict: "Up", evidence: " " }],
    ["evidence that is no text", { verdict: "Down", evidence: {}, proof: "p" }],
  ])("%s - is Unknown, and its Investigator is named", (_what, answer) => {
    const finding = readFinding("x", answer);
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toMatch(/^Investigator x answered rubbish: .+\.$/);
  });

  it("an object without a way to become text - is rubbish like any other", () => {
    const said = { verdict: Object.create(null) as unknown, evidence: "e" };
    expect(readFinding("x", said)).toMatchObject({ verdict: "Unknown" });
  });

  it("whatever comes - Down has proof, evidence is there and neither is long", () => {
    const answer = fc.oneof(
      fc.anything(),
      fc.record(
        {
          verdict: fc.oneof(fc.constantFrom("Up", "Down", "Unknown"), fc.anything()),
          evidence: fc.oneof(fc.string({ maxLength: 5_000 }), fc.anything()),
          proof: fc.oneof(fc.string({ maxLength: 5_000 }), fc.anything()),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(answer, (said) => {
        const { verdict, evidence, proof } = readFinding("x", said);
        expect(evidence.length).toBeGreaterThan(0);
        expect(evidence.length).toBeLessThanOrEqual(1_001);
        expect((proof ?? "").length).toBeLessThanOrEqual(1_001);
        expect(proof === undefined || proof.trim() === "").toBe(verdict !== "Down");
      }),
    );
  });
});
