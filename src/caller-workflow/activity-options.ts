/** How a caller's workflow runs the activities of `muster/workflow-activities`. */
import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
} from "@temporalio/workflow";
import type { CommandActivities } from "./activity-types.ts";

/** One try asks for five seconds at most; a worker that was killed with it is given up then. */
const startToCloseTimeout = "10s";
const retry = { initialInterval: "200ms", maximumInterval: "5s" } as const;
const summaryCharsMax = 130;

/** On the workflow's own worker, and at once: it computes, and asks nobody. */
export function sealing(): Pick<CommandActivities, "musterSeal"> {
  return proxyLocalActivities<CommandActivities>({ startToCloseTimeout, retry });
}

/** Tried until the lifecycle has decided; cancelled, it ends first, so that a late admission can't follow its own cancel. */
export function admitting(
  taskQueue: string | undefined,
  withinSeconds: number | undefined,
  summary: string,
): Pick<CommandActivities, "musterAdmit"> {
  return proxyActivities<CommandActivities>({
    ...(taskQueue !== undefined && { taskQueue }),
    ...(withinSeconds !== undefined && { scheduleToCloseTimeout: 1_000 * withinSeconds }),
    startToCloseTimeout,
    retry,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: summary.slice(0, summaryCharsMax),
  });
}

/** Asked until there is an answer. */
export function inquiring(
  taskQueue: string | undefined,
): Pick<CommandActivities, "musterFindRequest"> {
  return proxyActivities<CommandActivities>({
    ...(taskQueue !== undefined && { taskQueue }),
    startToCloseTimeout,
    retry,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    summary: "What became of the Request?",
  });
}

/** Given up after half a minute: a workflow that is cancelled wants to end. */
export function cancelling(taskQueue: string | undefined): CommandActivities {
  return proxyActivities<CommandActivities>({
    ...(taskQueue !== undefined && { taskQueue }),
    scheduleToCloseTimeout: "30s",
    startToCloseTimeout,
    retry,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    summary: "Cancels the Request",
  });
}
