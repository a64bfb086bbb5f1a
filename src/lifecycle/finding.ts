/**
 * What an Investigator's answer is worth. Code of others may have given it, so its shape is checked before anything
 * follows from it (DESIGN §5: Down only on positive proof). Pure.
 */
import { verdicts } from "../api/index.ts";
import { clip } from "./clip.ts";
import type { InvestigatorFinding } from "./disconnect-types.ts";

/** Evidence and proof stand in histories, in the event log and on the agent's page. */
const evidenceCharsMax = 1_000;

/**
 * The finding in an Investigator's answer. What is no finding is Unknown and says so, and so is a Down without proof:
 * it would restart the machines of a host that may be alive.
 */
export function readFinding(investigator: string, answer: unknown): InvestigatorFinding {
  const rubbish = (problem: string) =>
    unknownFinding(investigator, `Investigator ${investigator} answered rubbish: ${problem}.`);
  if (typeof answer !== "object" || answer === null) {
    return rubbish(`${shown(answer)} is no finding`);
  }
  const { verdict: said, evidence, proof } = answer as Readonly<Record<string, unknown>>;
  const verdict = verdicts.find((one) => one === said);
  if (verdict === undefined) {
    return rubbish(`the verdict ${shown(said)} is not one of ${verdicts.join(", ")}`);
  }
  if (!isText(evidence)) return rubbish(`a verdict ${verdict} without evidence`);
  if (verdict !== "Down") return { investigator, verdict, evidence: clipped(evidence) };
  if (!isText(proof)) {
    return unknownFinding(
      investigator,
      `Investigator ${investigator} said Down without proof, which counts as Unknown: ${evidence}`,
    );
  }
  return { investigator, verdict, evidence: clipped(evidence), proof: clipped(proof) };
}

/** The finding of an Investigator that could not find out. */
export function unknownFinding(investigator: string, evidence: string): InvestigatorFinding {
  return { investigator, verdict: "Unknown", evidence: clipped(evidence) };
}

function clipped(text: string): string {
  return clip(text.trim(), evidenceCharsMax);
}

/** Whether a foreign value says something. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

/** A value of any kind in a few characters. */
function shown(value: unknown): string {
  if (typeof value === "string") return clip(`"${value}"`, 60);
  // A foreign object may have no way of its own to become text.
  if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value);
  return clip(String(value), 60);
}
