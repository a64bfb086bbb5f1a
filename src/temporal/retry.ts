/** When the client tries a call to Temporal again. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  type GrpcRetryOptions,
} from "@temporalio/client";

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

/** As many as the SDK's own rules allow. */
const attemptsMax = 10;

/** What Core says of a call that went down with its connection: we cancel none ourselves. */
function isCancelled(code: number): boolean {
  return code === 1;
}

/**
 * Makes a call of Core by the same rules until it is answered.
 * @param send makes it once, within so many milliseconds.
 * @param deadlineMs by the wall clock, as the SDK's deadlines are; no pause goes beyond it.
 */
export async function untilAnswered<T>(
  send: (withinMs: number) => Promise<T>,
  deadlineMs: number,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(Math.max(0, deadlineMs - Date.now()));
    } catch (error) {
      if (!isGrpcServiceError(error)) throw error;
      // Core says in the message what other clients say in the details.
      error.details = error.message;
      const pauseMs = ours.delayFunction(attempt, error);
      const mayHelp = ours.retryableDecider(attempt, error) || isCancelled(error.code);
      if (!mayHelp || attempt >= attemptsMax || Date.now() + pauseMs >= deadlineMs) throw error;
      await sleep(pauseMs);
    }
  }
}

const ours = retryOptions();
