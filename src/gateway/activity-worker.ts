/** Keeps a Worker for this gateway's own task queue running until told to stop. */
import { Worker } from "@temporalio/worker";
import type { Log } from "../telemetry/log.ts";
import { superviseWorker, type ConnectedNative, type Supervised } from "../temporal/index.ts";
import type { GatewayActivities } from "../workflows/activity-types.ts";
import { gatewayTaskQueue } from "../workflows/agent-messages.ts";

/** Sooner than other Workers: without it the gateway loses its lease. */
const backOff = { firstMs: 500, mostMs: 10_000 };

/** Runs until `signal` aborts. Core rides out a Temporal that is away; a Worker that gives up all the same is replaced. */
export function startActivityWorker(
  native: ConnectedNative,
  gatewayId: string,
  activities: GatewayActivities,
  log: Log,
  signal: AbortSignal,
): Supervised {
  const create = (): Promise<Worker> =>
    Worker.create({
      ...native,
      taskQueue: gatewayTaskQueue(gatewayId),
      activities: { ...activities },
      // One slot is the lease's for as long as the gateway lives.
      maxConcurrentActivityTaskExecutions: 200,
      activityTaskPollerBehavior: { type: "autoscaling", minimum: 1, initial: 2, maximum: 10 },
      // The judging loop sets the pace of the lease's heartbeats; Core must not thin them out.
      maxHeartbeatThrottleInterval: "1s",
      shutdownGraceTime: "1s",
      shutdownForceTime: "10s",
    });
  return superviseWorker("gateway activities", create, log, signal, backOff);
}
