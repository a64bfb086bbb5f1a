/** A worker process: runs workflows, activities, or both. Any number of them; they share nothing but Temporal. */
import { Worker } from "@temporalio/worker";
import { need, type Config } from "../config/index.ts";
import { openPool, type Pool } from "../db/index.ts";
import type { Log } from "../telemetry/log.ts";
import {
  connectClient,
  connectNative,
  installRuntime,
  TemporalConnectError,
  type ConnectedClient,
  type ConnectedNative,
} from "../temporal/index.ts";
import { loadWorkflowBundle } from "./bundle.ts";
import { WorkerError } from "./errors.ts";
import { startHealthServer } from "./health-server.ts";
import { createWorkerMetrics } from "./metrics.ts";
import { waitForDatabase, waitForNamespace } from "./prerequisites.ts";
import { superviseWorker, type Supervised } from "./supervise.ts";
import { activityWorkerOptions, lifecycleWorkerOptions } from "./worker-options.ts";

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

interface Connections {
  readonly pool: Pool;
  readonly client: ConnectedClient;
  readonly native: ConnectedNative;
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
    await serve(config, roles, { pool, client, native }, log, signal, onReady);
  } catch (error) {
    if (!isAborted(error)) throw error;
    log.info({ why: error.message }, "stopped before the start was complete");
  } finally {
    for (const closeOne of close) await closeOne();
  }
  log.info("worker stopped");
}

function isAborted(error: unknown): error is WorkerError | TemporalConnectError {
  const known = error instanceof WorkerError || error instanceof TemporalConnectError;
  return known && error.code === "ABORTED";
}

async function serve(
  config: Config,
  roles: WorkerRoles,
  connections: Connections,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: WorkerReady) => void,
): Promise<void> {
  const workers: Supervised[] = [];
  const metrics = createWorkerMetrics(workers);
  const at = { host: config.host, port: config.workerPort };
  const health = await startHealthServer(at, workers, metrics, log);
  try {
    workers.push(...(await startWorkers(config, roles, connections, log, signal)));
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
  { pool, client, native }: Connections,
  log: Log,
  signal: AbortSignal,
): Promise<Supervised[]> {
  const bundle = roles.lifecycle ? await loadWorkflowBundle(log) : undefined;
  const workers: Supervised[] = [];
  if (bundle !== undefined) {
    const options = lifecycleWorkerOptions(native, bundle, { db: pool });
    workers.push(superviseWorker("lifecycle", () => Worker.create(options), log, signal));
  }
  if (roles.activities) {
    const options = activityWorkerOptions(native, {
      db: pool,
      client: client.client,
      log,
      brake: config,
    });
    workers.push(superviseWorker("activities", () => Worker.create(options), log, signal));
  }
  return workers;
}
