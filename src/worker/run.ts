/** A worker process: runs workflows, activities, or both. Any number of them; they share nothing but Temporal. */
import { Worker } from "@temporalio/worker";
import { createShipped, tellListeners } from "../activities/index.ts";
import type { Investigator } from "../api/index.ts";
import { need, type Config } from "../config/index.ts";
import { openPool, type Pool } from "../db/index.ts";
import { Listeners } from "../hooks/listeners.ts";
import { loadListeners } from "../hooks/load-listeners.ts";
import type { Log } from "../telemetry/log.ts";
import {
  connectClient,
  connectNative,
  installRuntime,
  superviseWorker,
  TemporalConnectError,
  type ConnectedClient,
  type ConnectedNative,
  type Supervised,
} from "../temporal/index.ts";
import type { AgentRecord } from "../workflows/activity-types.ts";
import { loadWorkflowBundle } from "./bundle.ts";
import { WorkerError } from "./errors.ts";
import { startHealthServer } from "./health-server.ts";
import { loadInvestigatorModules } from "./investigator-modules.ts";
import { createWorkerMetrics } from "./metrics.ts";
import { waitForDatabase, waitForNamespace } from "./prerequisites.ts";
import {
  activityWorkerOptions,
  lifecycleWorkerOptions,
  webhookWorkerOptions,
} from "./worker-options.ts";

/** Which task queues a process serves; neither means both. */
export interface WorkerRoles {
  readonly lifecycle: boolean;
  readonly activities: boolean;
}

/** Told once, when every Worker polls. */
export interface WorkerReady extends WorkerRoles {
  /** Where /healthz, /readyz and /metrics are. */
  readonly healthUrl: string;
}

interface Surroundings {
  readonly pool: Pool;
  readonly client: ConnectedClient;
  readonly native: ConnectedNative;
  readonly investigators: readonly Investigator[];
  readonly listeners: Listeners;
}

/**
 * Runs until `signal` aborts, then drains (30 s of grace, 60 s at most) and resolves when everything is closed.
 * Waits for Temporal, the namespace and the database; survives losing them.
 * @throws ConfigError, WorkerError, TemporalConnectError for what waiting can't mend.
 */
export async function runWorker(
  config: Config,
  asked: WorkerRoles,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: WorkerReady) => void,
): Promise<void> {
  const both = !asked.lifecycle && !asked.activities;
  const roles = { lifecycle: asked.lifecycle || both, activities: asked.activities || both };
  // First of all: what is wrong with a module, waiting can't mend.
  const investigators = roles.activities ? await loadInvestigators(config, log) : [];
  const modules = await loadListeners(config.hookModules, { process: "worker" });
  const listeners = new Listeners(modules, { timeoutMs: config.hookTimeoutMs, log });
  const databaseUrl = need(config.databaseUrl, "DATABASE_URL", "the postgres:// URL of Muster");
  await installRuntime(log);
  const pool = openPool(databaseUrl, { applicationName: "muster worker" });
  const close = [() => pool.end()];
  try {
    const client = await connectClient(config, log, signal);
    close.unshift(() => client.connection.close());
    await waitForNamespace(client, log, signal);
    await waitForDatabase(pool, log, signal);
    const native = await connectNative(config, log, signal);
    close.unshift(() => native.connection.close());
    const around = { pool, client, native, investigators, listeners };
    await serve(config, roles, around, log, signal, onReady);
  } catch (error) {
    if (!isAborted(error)) throw error;
    log.info({ why: error.message }, "stopped before the start was complete");
  } finally {
    for (const closeOne of close) await closeOne();
  }
  log.info("worker stopped");
}

/** The shipped ones, then those of third parties. */
async function loadInvestigators(config: Config, log: Log): Promise<readonly Investigator[]> {
  const shipped = await createShipped(config, log);
  return [...shipped, ...(await loadInvestigatorModules(config.investigatorModules, log))];
}

function isAborted(error: unknown): error is WorkerError | TemporalConnectError {
  const known = error instanceof WorkerError || error instanceof TemporalConnectError;
  return known && error.code === "ABORTED";
}

async function serve(
  config: Config,
  roles: WorkerRoles,
  around: Surroundings,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: WorkerReady) => void,
): Promise<void> {
  const workers: Supervised[] = [];
  const metrics = createWorkerMetrics(workers, around.listeners);
  const at = { host: config.host, port: config.workerPort };
  const health = await startHealthServer(at, workers, metrics, log);
  try {
    workers.push(...(await startWorkers(config, roles, around, log, signal)));
    void Promise.all(workers.map((worker) => worker.running)).then(() => {
      log.info({ ...roles, healthUrl: health.url }, "worker ready");
      onReady?.({ ...roles, healthUrl: health.url });
    });
    await Promise.all(workers.map((worker) => worker.stopped));
  } finally {
    await health.close();
  }
}

async function startWorkers(
  config: Config,
  roles: WorkerRoles,
  { pool: db, client, native, investigators, listeners }: Surroundings,
  log: Log,
  signal: AbortSignal,
): Promise<Supervised[]> {
  const bundle = roles.lifecycle ? await loadWorkflowBundle(log) : undefined;
  const onRecorded = (record: AgentRecord): void => {
    tellListeners(listeners, record);
  };
  const workers: Supervised[] = [];
  if (bundle !== undefined) {
    const options = lifecycleWorkerOptions(native, bundle, { db, onRecorded });
    workers.push(superviseWorker("lifecycle", () => Worker.create(options), log, signal));
  }
  if (roles.activities) {
    const basis = { db, client: client.client, log, onRecorded };
    const { payloadKeys } = config;
    const deps = { ...basis, payloadKeys, brake: config, investigators };
    const options = activityWorkerOptions(native, deps);
    workers.push(superviseWorker("activities", () => Worker.create(options), log, signal));
    const webhooks = webhookWorkerOptions(native, deps);
    workers.push(superviseWorker("webhooks", () => Worker.create(webhooks), log, signal));
  }
  return workers;
}
