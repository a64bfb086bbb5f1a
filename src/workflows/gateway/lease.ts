/**
 * The lease of a gateway: an activity on its own queue that it heartbeats for as long as it lives. Heartbeats cost no
 * history; a missing one ends the activity.
 */
import { ActivityFailure, TimeoutFailure, TimeoutType } from "@temporalio/common";
import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  proxyActivities,
} from "@temporalio/workflow";
import type { GatewayActivities } from "../activity-types.ts";
import { gatewayTaskQueue } from "../agent-messages.ts";

/** How a lease ended. `notTaken`: nobody took it up, so nobody polls the gateway's queue. */
export type LeaseEnd = "notTaken" | "givenBack" | "broken";

/** How long a gateway may take to take up its lease: at the start, and when it is asked again after one broke. */
const takeUp = { first: "10s", again: "3s" } as const;

export class Lease {
  readonly incarnation: string;
  readonly startedMs: number;
  readonly #scope = new CancellationScope();

  constructor(incarnation: string, nowMs: number) {
    this.incarnation = incarnation;
    this.startedMs = nowMs;
  }

  /** Asks the gateway to hold the lease; `onEnd` is called when it ended, except by `release`. */
  hold(gatewayId: string, takeUpWithin: keyof typeof takeUp, onEnd: (end: LeaseEnd) => void): void {
    const { holdLease } = proxyActivities<Pick<GatewayActivities, "holdLease">>({
      taskQueue: gatewayTaskQueue(gatewayId),
      scheduleToStartTimeout: takeUp[takeUpWithin],
      startToCloseTimeout: "365 days",
      heartbeatTimeout: "5s",
      // Tried again by the server, the workflow would never hear of the first loss.
      retry: { maximumAttempts: 1 },
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      summary: `lease of run ${this.incarnation}`,
    });
    this.#scope
      .run(() => holdLease({ incarnation: this.incarnation }))
      .then(
        () => {
          onEnd("givenBack");
        },
        (error: unknown) => {
          if (!isCancellation(error)) onEnd(notTaken(error) ? "notTaken" : "broken");
        },
      );
  }

  /** Nobody is interested in this lease any more. */
  release(): void {
    this.#scope.cancel();
  }
}

function notTaken(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === TimeoutType.SCHEDULE_TO_START
  );
}
