/**
 * What an Investigator is: code that says whether a physical host is alive, without guessing (seed: Investigator).
 * Third parties write one against `muster/api` alone; docs/INVESTIGATORS.md says how it is loaded and checked.
 */

/** What one Investigator says. Anything that it can't find out is Unknown. */
export const verdicts = ["Up", "Down", "Unknown"] as const;
export type Verdict = (typeof verdicts)[number];

/** What an Investigator found, with what it saw: one sentence for operators. */
export type Finding =
  | { readonly verdict: "Up" | "Unknown"; readonly evidence: string }
  /**
   * Down restarts the host's machines elsewhere, so it needs `proof`: the positive sign that the host is off, such as
   * a power state read from its BMC. Silence, a refused connection or a time-out is none. Without proof it counts as Unknown.
   */
  | { readonly verdict: "Down"; readonly evidence: string; readonly proof: string };

/** The host that was lost, as its agent described it at its last connect. */
export interface LostHost {
  readonly agentId: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly address?: string;
  readonly probePorts?: readonly number[];
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

/** Asks one kind of witness about lost hosts. */
export interface Investigator {
  /** Lower-case letters, digits and dashes; MUSTER_INVESTIGATORS lists it by this name. */
  readonly name: string;
  /** What it does, in a few words, for the Temporal UI: `reads the host's power state from its BMC`. */
  readonly summary: string;
  /**
   * Looks into one lost host. Ends soon after `signal` aborts. An error, a hang or an answer that is none counts as
   * Unknown and is named in the evidence.
   */
  investigate(host: LostHost, options: InvestigateOptions): Promise<Finding>;
}

/** What an Investigator is given with each question. */
export interface InvestigateOptions {
  /** Aborted when the time is up, or when the agent is back and nobody needs the answer. */
  readonly signal: AbortSignal;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** What a module named in MUSTER_INVESTIGATOR_MODULES exports as default. */
export type InvestigatorFactory = () => Investigator | Promise<Investigator>;
