/** A gateway on real Postgres and Temporal, with a worker for lifecycles, in the test's own process. */
import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import { Worker } from "@temporalio/worker";
import { pino } from "pino";
import { afterAll, beforeAll } from "vitest";
import { loadConfig, type Config } from "../../../src/config/index.ts";
import type { CommandLanes } from "../../../src/gateway/command-lanes.ts";
import { serve } from "../../../src/gateway/serve.ts";
import { loadListeners } from "../../../src/hooks/load-listeners.ts";
import { Keyring } from "../../../src/secrets/keyring.ts";
import { createDataConverter } from "../../../src/temporal/data-converter.ts";
import { connectNative, installRuntime } from "../../../src/temporal/index.ts";
import { openPool } from "../../../src/db/index.ts";
import { createFleetBook } from "../../../src/activities/fleet-book.ts";
import { createMaintenanceBook } from "../../../src/activities/maintenance-book.ts";
import { createRecordAgent } from "../../../src/activities/record-agent.ts";
import { activitiesTaskQueue, lifecycleTaskQueue } from "../../../src/workflows/agent-messages.ts";
import { workflowBundle } from "../../helpers/bundle.ts";
import type { Log } from "../../../src/telemetry/log.ts";
import type { TestDatabase } from "../../helpers/database.ts";
import type { TestTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

export const joinToken = "join-token-of-the-tests";

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface TestGateway {
  readonly gatewayId: string;
  readonly agentUrl: string;
  readonly lanes: CommandLanes;
  readonly lines: readonly LogLine[];
  readonly metrics: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** Keeps log lines in memory. */
export function keepLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const stream = new PassThrough();
  stream.on("data", (line: Buffer) => lines.push(JSON.parse(line.toString("utf8")) as LogLine));
  return { log: pino({ level: "info" }, stream), lines };
}

export function testConfig(
  temporal: TestTemporal,
  databaseUrl: string,
  env: Record<string, string> = {},
): Config {
  return loadConfig({
    MUSTER_HOST: "127.0.0.1",
    MUSTER_AGENT_PORT: "0",
    MUSTER_API_PORT: "0",
    MUSTER_WORKER_PORT: "0",
    MUSTER_JOIN_TOKEN: joinToken,
    // Direct agents are run by gateways of their own tests.
    MUSTER_DIRECT_AGENTS_MAX: "0",
    // The agents of tests do not move.
    MUSTER_DRAIN_GRACE_MS: "0",
    // Those that the worker below has.
    MUSTER_INVESTIGATORS: "agent,ping",
    MUSTER_GATEWAY_ID: `gw-${randomUUID().slice(0, 8)}`,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    ...env,
  });
}

/** Starts a gateway; `addresses` may lead through a proxy. */
export async function startTestGateway(config: Config): Promise<TestGateway> {
  const stop = new AbortController();
  const { log, lines } = keepLog();
  await installRuntime(pino({ level: "silent" }));
  const native = await connectNative(config, log, stop.signal);
  const pool = openPool(config.databaseUrl ?? "", {
    applicationName: "test gateway",
    statementTimeoutMs: 5_000,
  });
  const listeners = await loadListeners(config.hookModules, { process: "gateway" });
  let lanes: CommandLanes | undefined;
  let metrics = (): Promise<string> => Promise.resolve("");
  let agentUrl: string | undefined;
  const served = serve(
    config,
    {
      pool,
      native,
      listeners,
      openApi: (context) => {
        lanes = context.localLanes;
        metrics = () => context.metrics.metrics();
        return Promise.resolve({ port: 1, close: () => Promise.resolve() });
      },
    },
    log,
    stop.signal,
    (addresses) => {
      agentUrl = addresses.agentUrl;
    },
  );
  served.catch(() => undefined);
  const url = await waitUntil("the gateway has joined", () => agentUrl);
  if (lanes === undefined) throw new Error("No lanes.");
  return {
    gatewayId: config.gatewayId,
    agentUrl: url,
    lanes,
    lines,
    metrics,
    stop: async () => {
      stop.abort();
      await served;
      await native.connection.close();
      await pool.end();
    },
  };
}

/** Workers for lifecycles and their activities, for all tests of a file. Investigators see nothing. */
export function useWorker(
  temporal: TestTemporal,
  database: TestDatabase,
  payloadKeys = Keyring.empty,
): void {
  const workers: Worker[] = [];
  const running: Promise<void>[] = [];
  beforeAll(async () => {
    await installRuntime(pino({ level: "silent" }));
    const connection = await temporal.nativeConnection();
    const { namespace } = temporal;
    const dataConverter = createDataConverter(payloadKeys, pino({ level: "silent" }));
    const recordAgent = createRecordAgent({ db: database.pool });
    workers.push(
      await Worker.create({
        ...{ connection, namespace, dataConverter },
        taskQueue: lifecycleTaskQueue,
        workflowBundle: await workflowBundle(),
        activities: { recordAgent },
        enableNonLocalActivities: false,
      }),
      await Worker.create({
        ...{ connection, namespace, dataConverter },
        taskQueue: activitiesTaskQueue,
        activities: {
          recordAgent,
          ...createFleetBook({ db: database.pool }),
          ...createMaintenanceBook({ db: database.pool, log: pino({ level: "silent" }) }),
          investigateByPing: () => Promise.resolve({ verdict: "Unknown", evidence: "A test." }),
          recordGateway: () => Promise.resolve(),
          tellAgentsGatewayLost: () => Promise.resolve({ told: 0 }),
        },
      }),
    );
    for (const worker of workers) running.push(worker.run());
  });
  afterAll(async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  });
}

/** One gateway for all tests of a file (or describe block). */
export function useGateway(
  temporal: TestTemporal,
  database: TestDatabase,
  env: Record<string, string> = {},
): { readonly gateway: TestGateway } {
  let gateway: TestGateway | undefined;
  beforeAll(async () => {
    gateway = await startTestGateway(testConfig(temporal, database.url, env));
  });
  afterAll(async () => {
    await gateway?.stop();
  });
  return {
    get gateway() {
      if (gateway === undefined) throw new Error("The gateway is there once beforeAll has run.");
      return gateway;
    },
  };
}
