/** What became of a Command that went to many agents. */
import type { Answer, Command, Reply } from "../api/index.ts";
import type { AgentManagerError } from "./errors.ts";
import { LatencyHistogram, type LatencySummary } from "./latency-histogram.ts";

/** One agent's part: its Answer, or why there is none. */
export type FleetResult<C extends Command> =
  | {
      readonly agentId: string;
      readonly answer: Reply<C>;
      readonly error?: undefined;
      readonly tookMs: number;
    }
  | {
      readonly agentId: string;
      readonly answer?: undefined;
      readonly error: AgentManagerError;
      readonly tookMs: number;
    };

/** An agent that gave no Answer of its own. */
export interface MissingAgent {
  readonly agentId: string;
  /** Whether the Command can have taken effect there. */
  readonly outcome: "notSent" | "unknown";
  /** Stable; of the error, or of the Answer that stands in for the agent's. */
  readonly code: string;
  /** For people. */
  readonly reason: string;
}

/** How far it is. */
export interface FleetCounts {
  /** Agents that are known to be selected: all of them once `isListed`. */
  readonly agents: number;
  readonly isListed: boolean;
  /** Agents that gave an Answer of their own. */
  readonly answered: number;
  /** Those of them whose Answer says that it failed. */
  readonly failed: number;
  /** Agents that gave no Answer of their own. */
  readonly missing: number;
}

export interface FleetSummary {
  /** Agents that were selected, `answered` and `missing` together; when it was aborted, as far as they were listed. */
  readonly agents: number;
  /** Agents that gave an Answer of their own. */
  readonly answered: number;
  /** Those of them whose Answer says that it failed. */
  readonly failed: number;
  readonly missing: readonly MissingAgent[];
  /** The signal was aborted, or `onError: "stop"` ended it early. */
  readonly isCutShort: boolean;
  readonly tookMs: number;
  /** Of the agents that answered, from the call to the Answer. */
  readonly latency: LatencySummary;
}

/** Counts results as they come. */
export class FleetTally {
  readonly #startedMs = performance.now();
  readonly #latency = new LatencyHistogram();
  readonly #missing: MissingAgent[] = [];
  #answered = 0;
  #failed = 0;

  /** Gives whether the agent did what it was told. */
  add({ agentId, answer, error, tookMs }: FleetResult<Command>): boolean {
    const missing = answer === undefined ? error : missingOf(answer);
    if (missing !== undefined) {
      const { outcome, code, message } = missing;
      this.#missing.push({ agentId, outcome, code, reason: message });
      return false;
    }
    this.#answered++;
    this.#latency.record(tookMs);
    const isDone = answer?.result === true;
    if (!isDone) this.#failed++;
    return isDone;
  }

  get counts(): Pick<FleetCounts, "answered" | "failed" | "missing"> {
    return { answered: this.#answered, failed: this.#failed, missing: this.#missing.length };
  }

  summary(isCutShort: boolean): FleetSummary {
    return {
      agents: this.#answered + this.#missing.length,
      answered: this.#answered,
      failed: this.#failed,
      missing: this.#missing,
      isCutShort,
      tookMs: performance.now() - this.#startedMs,
      latency: this.#latency.summary(),
    };
  }
}

/** An Answer that the manager gave because it has none of the agent. */
function missingOf(
  answer: Answer,
): Pick<AgentManagerError, "outcome" | "code" | "message"> | undefined {
  const { outcome, errorCode = answer.type, details = "" } = answer;
  if (outcome === undefined || outcome === "done") return undefined;
  return { outcome, code: errorCode, message: details };
}
