/** What the Investigators' findings and the passing of time do to a lost agent (DESIGN §5). Pure. */
import type { Status, StatusEvent } from "../api/index.ts";

export type Verdict = "Up" | "Down" | "Unknown";

/** What one Investigator said. */
export interface InvestigatorFinding {
  readonly investigator: string;
  readonly verdict: Verdict;
  readonly evidence: string;
}

/** The finding that ends an investigation: the first Up or Down, else the last one said. */
export function concludingFinding(
  findings: readonly InvestigatorFinding[],
): InvestigatorFinding | undefined {
  return findings.find((finding) => finding.verdict !== "Unknown") ?? findings.at(-1);
}

export interface VerdictDecision {
  readonly events: readonly StatusEvent[];
  readonly reason: string;
  /** Raised once for each Down. */
  readonly raiseAlert: boolean;
  /** When to ask again; undefined ends the asking. */
  readonly investigateAgainAtMs: number | undefined;
}

/**
 * Decides what an investigation means. Down only on a positive verdict; Up (resource alive, agent gone) and Unknown
 * change nothing but are asked again, so that a later Down still counts.
 */
export function decideVerdict(input: {
  readonly status: Status;
  readonly finding: InvestigatorFinding | undefined;
  readonly nowMs: number;
  readonly investigateRetryMs: number;
}): VerdictDecision {
  const { finding, status } = input;
  const again = input.nowMs + input.investigateRetryMs;
  if (finding?.verdict === "Down") {
    return {
      events: ["HostDown"],
      reason: `Investigator ${finding.investigator}: ${finding.evidence}`,
      raiseAlert: status !== "Down",
      investigateAgainAtMs: undefined,
    };
  }
  const reason =
    finding?.verdict === "Up"
      ? `the host is alive but its agent is gone (Investigator ${finding.investigator}: ${finding.evidence})`
      : "nobody knows whether the host is alive";
  return { events: [], reason, raiseAlert: false, investigateAgainAtMs: again };
}
