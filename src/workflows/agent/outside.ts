/** The activities that an agent's lifecycle asks for, each with its time-outs. */
import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
} from "@temporalio/workflow";
import {
  investigatorActivityType,
  investigatorSummary,
} from "../../lifecycle/investigator-catalogue.ts";
import { activitiesTaskQueue, gatewayTaskQueue } from "../agent-messages.ts";
import type { GatewayActivities, InvestigateArgs, WorkerActivities } from "../activity-types.ts";

/** A gateway that does not take a task within this time is taken to be gone. */
const gatewayPickUp = "5s";
/** Workers may be busy with other lost hosts for a while. */
const workerPickUp = "10s";
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

/** An Investigator ends by itself when its time is over; its worker then has so long to hand over the evidence. */
const evidenceMs = 3_000;

/**
 * Asks one Investigator. The worker's heartbeats tell it when nobody needs the answer any more, and tell us when it is
 * gone; gateways answer within their socket's wait and send none.
 */
export const askInvestigator = async (
  name: string,
  taskQueue: string,
  args: InvestigateArgs & { readonly timeoutMs: number },
): Promise<unknown> =>
  proxyActivities<Readonly<Record<string, (args: InvestigateArgs) => Promise<unknown>>>>({
    taskQueue,
    scheduleToStartTimeout: taskQueue === activitiesTaskQueue ? workerPickUp : gatewayPickUp,
    startToCloseTimeout: args.timeoutMs + evidenceMs,
    ...(taskQueue === activitiesTaskQueue && { heartbeatTimeout: "5s" }),
    retry: once,
    cancellationType,
    summary: investigatorSummary(name),
  })[investigatorActivityType(name)]?.(args);

/** A few hosts of the same cluster, from the read model. */
export const findNeighbours = (args: Parameters<WorkerActivities["findNeighbours"]>[0]) =>
  proxyActivities<Pick<WorkerActivities, "findNeighbours">>({
    taskQueue: activitiesTaskQueue,
    scheduleToStartTimeout: workerPickUp,
    startToCloseTimeout: "5s",
    retry: once,
    cancellationType,
    summary: "Investigator neighbour: looks for hosts to ask",
  }).findNeighbours(args);

/** One of them looks for the lost host. All are asked at once, so this is also how long the Investigator takes. */
export const askNeighbour = (
  gatewayId: string,
  args: Parameters<GatewayActivities["askNeighbour"]>[0],
) =>
  proxyActivities<Pick<GatewayActivities, "askNeighbour">>({
    taskQueue: gatewayTaskQueue(gatewayId),
    scheduleToStartTimeout: gatewayPickUp,
    startToCloseTimeout: args.timeoutMs + evidenceMs,
    retry: once,
    cancellationType,
    summary: `Investigator neighbour: asks ${args.agentId} what it sees`,
  }).askNeighbour(args);

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
