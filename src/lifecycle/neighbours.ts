/** What the neighbours of a lost host saw of it, put together to one finding (Investigator `neighbour`). Pure. */
import type { Finding } from "../api/index.ts";
import { clip } from "./clip.ts";
import { isText } from "./finding.ts";

/** Several neighbours share the evidence's room. */
const saidCharsMax = 160;

/** What one neighbour said of the lost host. */
export interface NeighbourReport {
  readonly neighbour: string;
  readonly sees: boolean;
  /** Positive sign of the host's death; only silence when absent. */
  readonly proofOfDeath?: string;
  /** The end of a sentence that begins with the neighbour's name: `does not see it`. */
  readonly said: string;
}

/** Reads the Answer of a neighbour to CheckOnHost. It is foreign: what is not understood only lowers what is known. */
export function neighbourReport(neighbour: string, answer: unknown): NeighbourReport {
  if (typeof answer !== "object" || answer === null) {
    return blindReport(neighbour, "answered rubbish");
  }
  const { result, details, seen, proofOfDeath } = answer as Readonly<Record<string, unknown>>;
  const why = isText(details) ? `: ${details}` : "";
  if (result !== true) return blindReport(neighbour, `could not look${why}`);
  if (seen === true) return { neighbour, sees: true, said: clipped(`sees it${why}`) };
  if (seen !== false) return blindReport(neighbour, "did not say whether it sees it");
  const said = clipped(`does not see it${why}`);
  if (!isText(proofOfDeath)) return { neighbour, sees: false, said };
  return { neighbour, sees: false, proofOfDeath: clipped(proofOfDeath), said };
}

/** The report of a neighbour that saw nothing, for that reason. */
export function blindReport(neighbour: string, why: string): NeighbourReport {
  return { neighbour, sees: false, said: clipped(why) };
}

/**
 * Seen by any → Up. Seen by none, with proof of its death from one → Down with that proof. All else → Unknown: not to
 * be seen may be the network between the two.
 */
export function combineNeighbours(reports: readonly NeighbourReport[]): Finding {
  if (reports.length === 0) {
    return { verdict: "Unknown", evidence: "No other host of its cluster is Up to look for it." };
  }
  const evidence = `${reports.map(({ neighbour, said }) => `${neighbour} ${said}`).join("; ")}.`;
  if (reports.some(({ sees }) => sees)) return { verdict: "Up", evidence };
  const witness = reports.find(({ proofOfDeath }) => proofOfDeath !== undefined);
  if (witness?.proofOfDeath === undefined) return { verdict: "Unknown", evidence };
  const proof = `${witness.neighbour} has proof: ${witness.proofOfDeath}`;
  return { verdict: "Down", evidence, proof };
}

function clipped(text: string): string {
  return clip(text.trim().replace(/\.$/, ""), saidCharsMax);
}
