/** Keeps a Worker for this gateway's own task queue running until told to stop. */
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "@temporalio/worker";
import type { Log } from "../telemetry/log.ts";
import type { ConnectedNative } from "../temporal/index.ts";
import type { GatewayActivities } from "../workflows/activity-types.ts";
import { gatewayTaskQueue } from "../workflows/agent-messages.ts";

const restartMs = { first: 500, most: 10_000 };

/** A Worker that is made anew when it fails. */
export interface ActivityWorker {
  /** Resolves when the last Worker has drained, after `signal` was aborted; never rejects. */
  readonly stopped: Promise<void>;
}

/** Runs until `signal` aborts. Core rides out a Temporal that is away; a Worker that gives up all the same is replaced. */
export function startActivityWorker(
  native: ConnectedNative,
  gatewayId: string,
  activities: GatewayActivities,
  log: Log,
  signal: AbortSignal,
): ActivityWorker {
  const create = (): Promise<Worker> =>
    Worker.create({
      connection: native.connection,
      namespace: native.namespace,
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
  return { stopped: supervise(create, log, signal) };
}

async function supervise(
  create: () => Promise<Worker>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = restartMs.first; !isOver(signal);) {
    try {
      await runOnce(await create(), signal);
    } catch (error) {
      log.error({ err: error, retryMs: waitMs }, "the gateway's activity worker failed");
    }
    if (isOver(signal)) return;
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    waitMs = Math.min(waitMs * 2, restartMs.most);
  }
}

async function runOnce(worker: Worker, signal: AbortSignal): Promise<void> {
  const stop = (): void => {
    if (worker.getState() === "RUNNING") worker.shutdown();
  };
  const ended = worker.run();
  signal.addEventListener("abort", stop, { once: true });
  if (isOver(signal)) stop();
  try {
    await ended;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Asked anew each time: the signal may have been aborted meanwhile. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
