/** When the client tries a call to Temporal again. */
import { defaultGrpcRetryOptions, type GrpcRetryOptions } from "@temporalio/client";

type Status = Parameters<GrpcRetryOptions["delayFunction"]>[1];

/** Said of a workflow between two runs of it (continue-as-new), with code RESOURCE_EXHAUSTED: nothing was admitted. */
const betweenRuns = /workflow is closing/;
const nextRunMs = { first: 15, factor: 1.7 };

/**
 * The SDK's own rules, but for an Update that meets the end of a run: the SDK takes that for an overloaded server and
 * waits for 1.7 s, while the next run is there in milliseconds.
 */
export function retryOptions(): GrpcRetryOptions {
  const usual = defaultGrpcRetryOptions();
  return {
    ...usual,
    delayFunction: (attempt: number, status: Status) =>
      betweenRuns.test(status.details)
        ? nextRunMs.first * nextRunMs.factor ** attempt * (0.8 + Math.random() * 0.4)
        : usual.delayFunction(attempt, status),
  };
}
