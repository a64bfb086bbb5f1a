/** The activities that the balancer asks for, each with its time-outs. */
import { ActivityCancellationType, proxyActivities } from "@temporalio/workflow";
import type { GatewayActivities, WorkerActivities } from "../activity-types.ts";
import { activitiesTaskQueue, gatewayTaskQueue } from "../agent-messages.ts";

/** How long one slice of moves lasts: between two of them the fleet is looked at anew. */
export const sliceMs = 5_000;

export const { readFleet, markDraining } = proxyActivities<
  Pick<WorkerActivities, "readFleet" | "markDraining">
>({
  taskQueue: activitiesTaskQueue,
  startToCloseTimeout: "10s",
  retry: { initialInterval: "1s", maximumInterval: "10s" },
});

/** A gateway that is gone is found so by the next look; its moves are planned anew then. */
export const mover = (gatewayId: string, agents: number) =>
  proxyActivities<Pick<GatewayActivities, "moveAgents">>({
    taskQueue: gatewayTaskQueue(gatewayId),
    scheduleToStartTimeout: "5s",
    // Those that have begun to move are seen through.
    startToCloseTimeout: sliceMs + 30_000,
    heartbeatTimeout: "10s",
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: `moves up to ${agents} agents away from ${gatewayId}`,
  });
