/** How the kinds of Worker are set up. docs/OPERATIONS.md says when to turn which knob. */
import { getHeapStatistics } from "node:v8";
import type { DataConverter } from "@temporalio/common";
import type { NativeConnection, WorkerOptions } from "@temporalio/worker";
import {
  createRecordAgent,
  createWebhookActivities,
  createWorkerActivities,
  type ActivityDeps,
  type WebhookDeps,
} from "../activities/index.ts";
import { activitiesTaskQueue, lifecycleTaskQueue } from "../workflows/agent-messages.ts";
import { webhooksMax, webhooksTaskQueue } from "../workflows/webhook-messages.ts";
import type { WorkflowBundle } from "./bundle.ts";

/** What all kinds share: a process may run one Worker of each over one connection. */
export interface WorkerBasis {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly dataConverter?: DataConverter;
}

/**
 * SIGTERM: no new work at once, cancellation for activities that still run after the grace time (they resume elsewhere
 * from their last heartbeat), the end after the force time. An orchestrator must wait longer than that.
 */
const drain = { shutdownGraceTime: "30s", shutdownForceTime: "60s" } as const;

/** Runs workflows, and `recordAgent` as a local activity so that the read model costs no task of its own. */
export function lifecycleWorkerOptions(
  basis: WorkerBasis,
  bundle: WorkflowBundle,
  deps: Pick<ActivityDeps, "db" | "onRecorded">,
): WorkerOptions {
  return {
    ...basis,
    ...drain,
    taskQueue: lifecycleTaskQueue,
    workflowBundle: bundle,
    activities: { recordAgent: createRecordAgent(deps) },
    enableNonLocalActivities: false,
    maxCachedWorkflows: cachedWorkflows(getHeapStatistics().heap_size_limit),
    // One thread runs workflow code: more slots only help while tasks wait for the network.
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentLocalActivityExecutions: 40,
    workflowTaskPollerBehavior: { type: "autoscaling", minimum: 2, initial: 5, maximum: 20 },
    // A killed worker's agents wait this long for their next task; 10 s would be two ping intervals of a test fleet.
    stickyQueueScheduleToStartTimeout: "5s",
  };
}

/** Runs Investigators, the read model's retries and the telling of agents; all of them wait for the network. */
export function activityWorkerOptions(basis: WorkerBasis, deps: ActivityDeps): WorkerOptions {
  return {
    ...basis,
    ...drain,
    taskQueue: activitiesTaskQueue,
    activities: { ...createWorkerActivities(deps) },
    maxConcurrentActivityTaskExecutions: 100,
    activityTaskPollerBehavior: { type: "autoscaling", minimum: 1, initial: 2, maximum: 20 },
  };
}

/**
 * Delivers webhooks. One activity each for as long as the webhook is there, so they have slots of their own: more than
 * there may be webhooks, so that none waits for another one's endpoint.
 */
export function webhookWorkerOptions(basis: WorkerBasis, deps: WebhookDeps): WorkerOptions {
  return {
    ...basis,
    // A delivery ends by itself once it is told, after the POST that is under way, and goes on elsewhere.
    shutdownGraceTime: 0,
    shutdownForceTime: drain.shutdownForceTime,
    taskQueue: webhooksTaskQueue,
    activities: { ...createWebhookActivities(deps) },
    maxConcurrentActivityTaskExecutions: 2 * webhooksMax,
    activityTaskPollerBehavior: { type: "autoscaling", minimum: 1, initial: 1, maximum: 5 },
  };
}

/**
 * What a heap of that size has room for. An agent's lifecycle takes 0.15 MiB when nothing is pending; three times that is
 * reckoned with, since over-filling ends the process. (The SDK reckons with ten times that, for workflows of any size.)
 * A lifecycle that is not cached costs five times the CPU when its agent comes back, which matters when half of a fleet does.
 */
export function cachedWorkflows(heapLimitBytes: number): number {
  const spareGiB = (heapLimitBytes / 1_048_576 - 200) / 1_024;
  return Math.min(10_000, Math.max(50, Math.floor(spareGiB * 2_400)));
}
