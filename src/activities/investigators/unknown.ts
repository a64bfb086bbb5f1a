import type { Finding } from "../../api/index.ts";

/** The finding of an Investigator that could not find out. @param evidence what was asked and seen, a sentence */
export function unknown(evidence: string): Finding {
  return { verdict: "Unknown", evidence };
}
