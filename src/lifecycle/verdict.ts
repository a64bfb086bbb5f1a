/** What the Investigators' findings mean for a lost agent (DESIGN §5): a part of the disconnect decision. Pure. */
import type { BrakeAnswer, Decided, InvestigatorFinding } from "./disconnect-types.ts";

/** The finding that ends an investigation: the first Up or Down, else the last one said. */
export function concludingFinding(
  findings: readonly InvestigatorFinding[],
): InvestigatorFinding | undefined {
  return findings.find((finding) => finding.verdict !== "Unknown") ?? findings.at(-1);
}

/**
 * Decides what an investigation means. Down only on a positive verdict that the brake lets through; Up (resource alive,
 * agent gone) and Unknown change nothing but are asked again, so that a later Down still counts.
 */
export function decideVerdict(input: {
  readonly findings: readonly InvestigatorFinding[];
  readonly brake: BrakeAnswer | undefined;
  readonly nowMs: number;
  readonly investigateRetryMs: number;
}): Decided {
  const finding = concludingFinding(input.findings);
  const again = {
    type: "investigateAgain",
    atMs: input.nowMs + input.investigateRetryMs,
  } as const;
  switch (finding?.verdict) {
    case "Down":
      return decideDown(finding, input.brake, again);
    case "Up":
      return {
        type: "decided",
        rule: "hostAlive",
        events: [],
        reason: `the host is alive but its agent is gone (Investigator ${finding.investigator}: ${finding.evidence})`,
        actions: [again],
      };
    case "Unknown":
    case undefined:
      return {
        type: "decided",
        rule: "nobodyKnows",
        events: [],
        reason: "nobody knows whether the host is alive",
        actions: [again],
      };
  }
}

/** Nobody could say whether it is a mass loss: a wrong Down is worse than a late one. */
const brakeNotAsked: BrakeAnswer = { held: true, reason: "the brake could not be asked" };

function decideDown(
  { investigator, evidence, proof }: InvestigatorFinding,
  brake: BrakeAnswer = brakeNotAsked,
  again: Decided["actions"][number],
): Decided {
  const seen = `Investigator ${investigator}: ${proof ?? evidence}`;
  if (brake.held) {
    return {
      type: "decided",
      rule: "braked",
      events: [],
      reason: `Down is held back: ${brake.reason} (${seen})`,
      actions: [
        { type: "holdBack", reason: brake.reason },
        { type: "raiseAlert", kind: "braked" },
        again,
      ],
    };
  }
  return {
    type: "decided",
    rule: "hostDown",
    events: ["HostDown"],
    reason: seen,
    actions: [{ type: "raiseAlert", kind: "down" }, { type: "recover" }],
  };
}
