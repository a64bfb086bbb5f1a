import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { registerIdentity, takeEpoch, upsertGateway } from "../../../src/db/index.ts";
import { findTemporalBinary } from "../../../src/local/temporal-binary.ts";
import { startTemporalServer, type TemporalServer } from "../../../src/local/temporal-server.ts";
import { activitiesTaskQueue } from "../../../src/workflows/agent-messages.ts";
import { searchAttributeNames } from "../../../src/workflows/start-options.ts";
import { useDatabase } from "../../helpers/database.ts";
import { runMuster, startMuster, type MusterProcess } from "../../helpers/processes.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const database = useDatabase();
const temporal = useTemporal();
// Each test starts several processes, and the machine may be busy with other tests.
vi.setConfig({ testTimeout: 300_000 });

function environment(extra: Record<string, string> = {}): Record<string, string> {
  return {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    MUSTER_HOST: "127.0.0.1",
    MUSTER_WORKER_PORT: "0",
    ...extra,
  };
}

async function get(worker: MusterProcess, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${String(worker.ready["healthUrl"])}${path}`);
  return { status: response.status, text: await response.text() };
}

/** Value of one series of the worker's metrics. */
async function metric(worker: MusterProcess, name: string, label: string): Promise<number> {
  const { text } = await get(worker, "/metrics");
  const line = text.split("\n").find((one) => one.startsWith(`${name}{`) && one.includes(label));
  return Number(line?.split(" ").at(-1) ?? Number.NaN);
}

async function agentsOn(gatewayId: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const agentId = `agent-${i}-${randomUUID()}`;
    const place = { zone: "z", cluster: "c", resourceType: "simulator", host: {} };
    await registerIdentity(database.pool, {
      id: agentId,
      secretHash: Buffer.alloc(32),
      ...place,
    });
    await takeEpoch(database.pool, { agentId, gatewayId, incarnation: "i1", ...place });
  }
}

/** Runs one of the workers' activities by itself, without a workflow around it. */
async function runActivity(client: Client, name: string, args: unknown): Promise<unknown> {
  return await client.activity.execute(name, {
    id: `${name}-${randomUUID()}`,
    taskQueue: activitiesTaskQueue,
    args: [args],
    startToCloseTimeout: "60s",
    retry: { maximumAttempts: 1 },
  });
}

describe("muster worker", () => {
  it("says when it is ready, and answers for its health and metrics", async () => {
    const worker = await startMuster(["worker"], { env: environment() });
    expect(worker.ready).toMatchObject({ ready: true, lifecycle: true, activities: true });
    expect(await get(worker, "/healthz")).toMatchObject({ status: 200 });
    const { status, text } = await get(worker, "/readyz");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      status: "ready",
      workers: { lifecycle: "RUNNING", activities: "RUNNING", webhooks: "RUNNING" },
    });
    expect((await get(worker, "/elsewhere")).status).toBe(404);
    expect(await metric(worker, "muster_worker_running", 'worker="lifecycle"')).toBe(1);
    await waitUntil("Core's metrics are there", async () => {
      const pollers = await metric(worker, "temporal_num_pollers", "muster-lifecycle");
      return pollers > 0;
    });
    expect(await worker.stop()).toBe(0);
  });

  it("runs the two task queues apart when asked", async () => {
    const lifecycle = await startMuster(["worker", "--lifecycle"], { env: environment() });
    const activities = await startMuster(["worker", "--activities"], { env: environment() });
    const workers = async (worker: MusterProcess) =>
      (JSON.parse((await get(worker, "/readyz")).text) as { workers: unknown }).workers;
    expect(await workers(lifecycle)).toEqual({ lifecycle: "RUNNING" });
    expect(await workers(activities)).toEqual({ activities: "RUNNING", webhooks: "RUNNING" });
    await Promise.all([lifecycle.stop(), activities.stop()]);
  });

  it("finishes the activity that it runs when it is told to stop", async () => {
    const worker = await startMuster(["worker", "--activities"], { env: environment() });
    const gatewayId = `g-${randomUUID()}`;
    await agentsOn(gatewayId, 170);
    const gateway = { gatewayId, incarnation: "i1" };
    // Four paced batches: some two seconds.
    const told = runActivity(temporal.client, "tellAgentsGatewayLost", { gateway, reason: "test" });
    await waitUntil("the activity runs", async () => {
      const used = await metric(worker, "temporal_worker_task_slots_used", "ActivityWorker");
      return used === 1;
    });
    const stopped = worker.stop("SIGTERM");
    await waitUntil("it drains", () => worker.log().includes("DRAINING"));
    // None of them has a workflow; that the activity came to its end is what counts.
    expect(await told).toEqual({ told: 0 });
    expect(await stopped).toBe(0);
  });

  it("names the setting to change when its port is taken", async () => {
    const first = await startMuster(["worker", "--activities"], { env: environment() });
    const port = new URL(String(first.ready["healthUrl"])).port;
    const second = await runMuster(["worker", "--activities"], {
      env: environment({ MUSTER_WORKER_PORT: port }),
    });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`Port ${port}`);
    expect(second.stderr).toContain("MUSTER_WORKER_PORT");
    await first.stop();
  });

  it("refuses to start without a database, naming the variable", async () => {
    const env = environment({ DATABASE_URL: "" });
    const worker = await runMuster(["worker"], { env });
    expect(worker.code).not.toBe(0);
    expect(worker.stderr).toContain("DATABASE_URL");
  });
});

describe("muster worker beside a Temporal that goes away", () => {
  let folder = "";
  let binary = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "muster-worker-"));
    binary = (await findTemporalBinary({ say: () => undefined })).command;
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  function startTemporal(port?: number): Promise<TemporalServer> {
    return startTemporalServer({
      binary,
      logFile: join(folder, "temporal.log"),
      databaseFile: join(folder, "temporal.db"),
      uiPort: "headless",
      namespaces: ["restarted"],
      searchAttributes: Object.fromEntries(searchAttributeNames.map((name) => [name, "Keyword"])),
      ...(port !== undefined && { port }),
    });
  }

  it("goes on working when it is back, in the same process", async () => {
    let server = await startTemporal();
    const { address } = server;
    try {
      const worker = await startMuster(["worker"], {
        env: environment({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: "restarted" }),
      });
      await server.stop();
      await waitUntil("the worker has noticed", () => worker.log().includes('"level":40'));
      expect((await get(worker, "/healthz")).status).toBe(200);
      server = await startTemporal(Number(address.split(":")[1]));

      const connection = await Connection.connect({ address });
      const client = new Client({ connection, namespace: "restarted" });
      const gatewayId = `g-${randomUUID()}`;
      const urls = { version: "1", agentUrl: "ws://g/agent", apiUrl: "http://g" };
      await upsertGateway(database.pool, { id: gatewayId, incarnation: "i1", ...urls });
      await runActivity(client, "recordGateway", {
        gateway: { gatewayId, incarnation: "i1" },
        state: "left",
        reason: "test",
      });
      await connection.close();
      expect((await get(worker, "/readyz")).status).toBe(200);
      expect(await worker.stop()).toBe(0);
    } finally {
      await server.stop();
    }
  });
});
