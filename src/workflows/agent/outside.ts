/** The activities that an agent's lifecycle asks for, each with its time-outs. */
import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
} from "@temporalio/workflow";
import { activitiesTaskQueue, gatewayTaskQueue } from "../agent-messages.ts";
import type { GatewayActivities, WorkerActivities } from "../activity-types.ts";

/** A gateway that does not take a task within this time is taken to be gone. */
const gatewayPickUp = "5s";
/** TRY_CANCEL: a new session must not wait for an activity that nobody needs any more. */
const cancellationType = ActivityCancellationType.TRY_CANCEL;
const once = { maximumAttempts: 1 } as const;

/** Hands Requests over; tried again by the workflow itself, which knows whether the session still is. */
export const handOver = (gatewayId: string, summary: string) =>
  proxyActivities<Pick<GatewayActivities, "deliver">>({
    taskQueue: gatewayTaskQueue(gatewayId),
    scheduleToStartTimeout: gatewayPickUp,
    startToCloseTimeout: "10s",
    retry: once,
    cancellationType,
    summary,
  });

/** Small jobs for a gateway: worth a few tries within ten seconds. */
export const errandsAt = (gatewayId: string, summary: string) =>
  proxyActivities<
    Pick<GatewayActivities, "reply" | "cancelRequest" | "closeSession" | "applySettings">
  >({
    taskQueue: gatewayTaskQueue(gatewayId),
    scheduleToCloseTimeout: "10s",
    startToCloseTimeout: "5s",
    retry: { initialInterval: "500ms", maximumInterval: "2s" },
    cancellationType,
    summary,
  });

/** "Silent for you too?": no answer within five seconds counts as yes. */
export const askForSilence = (gatewayId: string, summary: string) =>
  proxyActivities<Pick<GatewayActivities, "silence">>({
    taskQueue: gatewayTaskQueue(gatewayId),
    scheduleToCloseTimeout: "5s",
    retry: { initialInterval: "500ms", maximumInterval: "1s" },
    cancellationType,
    summary,
  });

/** Investigator `agent`: its gateway must take it up at once, the agent gets ten seconds. */
export const investigatorAgent = (gatewayId: string) =>
  proxyActivities<Pick<GatewayActivities, "investigateByAgent">>({
    taskQueue: gatewayTaskQueue(gatewayId),
    scheduleToStartTimeout: gatewayPickUp,
    startToCloseTimeout: "12s",
    retry: once,
    cancellationType,
    summary: "Investigator agent: asks the agent itself",
  });

/** Investigator `ping`: a worker gets five seconds to begin, the probe fifteen. */
export const investigatorPing = () =>
  proxyActivities<Pick<WorkerActivities, "investigateByPing">>({
    taskQueue: activitiesTaskQueue,
    scheduleToStartTimeout: "10s",
    startToCloseTimeout: "15s",
    retry: once,
    cancellationType,
    summary: "Investigator ping: probes the host over the network",
  });

/** How much else is lost. Tried for half a minute: without an answer Down is held back, and asked again later. */
export const askForBrake = (summary: string) =>
  proxyActivities<Pick<WorkerActivities, "askBrake">>({
    taskQueue: activitiesTaskQueue,
    scheduleToCloseTimeout: "30s",
    startToCloseTimeout: "10s",
    retry: { initialInterval: "1s", maximumInterval: "5s" },
    cancellationType,
    summary,
  });

/**
 * What an evacuation asks of Postgres: tried until the database is back, or nobody needs it any more. Cancelled, it still
 * ends before the next question, so that a late claim can't follow its own release.
 */
export const maintenanceBook = (summary: string) =>
  proxyActivities<
    Pick<WorkerActivities, "claimMaintenance" | "releaseMaintenance" | "findDestinations">
  >({
    taskQueue: activitiesTaskQueue,
    startToCloseTimeout: "10s",
    retry: { initialInterval: "1s", maximumInterval: "10s" },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary,
  });

/** The read model, in the workflow task itself: one event, and no wait for another process. */
export const recordAtOnce = (summary: string) =>
  proxyLocalActivities<Pick<WorkerActivities, "recordAgent">>({
    startToCloseTimeout: "2s",
    scheduleToCloseTimeout: "3s",
    retry: once,
    summary,
  });

/** The read model when the first way failed: tried until the database is back. */
export const recordWhenPossible = (summary: string) =>
  proxyActivities<Pick<WorkerActivities, "recordAgent">>({
    taskQueue: activitiesTaskQueue,
    startToCloseTimeout: "10s",
    retry: { initialInterval: "1s", maximumInterval: "30s" },
    cancellationType,
    summary,
  });
