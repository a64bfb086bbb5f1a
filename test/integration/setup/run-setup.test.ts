import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { loadConfig, type Config } from "../../../src/config/index.ts";
import { requireSchema } from "../../../src/db/index.ts";
import { runSetup, type SetupStep } from "../../../src/worker/setup/run-setup.ts";
import { agentWorkflowId } from "../../../src/workflows/agent-messages.ts";
import { agentStartOptions, searchAttributeNames } from "../../../src/workflows/start-options.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";

const database = useDatabase();
const temporal = useTemporal();
/** `IndexedValueType` of Temporal's API. */
const integerType = 3;
const log = pino({ level: "silent" });

function config(namespace: string, extra: Record<string, string> = {}): Config {
  return loadConfig({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: namespace,
    ...extra,
  });
}

function changed(steps: readonly SetupStep[]): string[] {
  return steps.filter((step) => step.changed).map((step) => step.step);
}

describe("runSetup", () => {
  it("makes an empty database and a Temporal without the namespace usable, and then has nothing to do", async () => {
    await database.pool.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    const namespace = `set-up-${randomUUID()}`;
    const told: SetupStep[] = [];
    const signal = new AbortController().signal;
    const first = await runSetup(config(namespace), log, signal, (step) => told.push(step));
    expect(told).toEqual(first);
    expect(changed(first)).toEqual(["database", "namespace", "searchAttributes"]);
    await requireSchema(database.pool);

    // What a gateway does at an agent's first connect: start with every attribute set, then find it by them.
    const { connection } = temporal.client;
    const host = {
      zone: "z1",
      cluster: "c1",
      resourceType: "simulator",
      software: "test",
      resources: [],
    };
    const settings = {
      pingIntervalMs: 1,
      pingTimeoutMultiplier: 2,
      reconnectGraceMs: 1,
      alertWaitMs: 1,
      investigateRetryMs: 1,
    };
    const connected = {
      epoch: 1,
      gateway: { gatewayId: "g", incarnation: "i" },
      host,
      settings,
    } as Parameters<typeof agentStartOptions>[1];
    const { Client } = await import("@temporalio/client");
    const client = new Client({ connection, namespace });
    await client.workflow.start("agentLifecycle", agentStartOptions("agent-1", connected));
    const query = searchAttributeNames.map((name) => `${name} IS NOT NULL`).join(" AND ");
    await expect
      .poll(async () => (await client.workflow.count(query)).count, { timeout: 30_000 })
      .toBe(1);
    await client.workflow.getHandle(agentWorkflowId("agent-1")).terminate("test is over");

    expect(changed(await runSetup(config(namespace), log))).toEqual([]);
  });

  it("can be run by several at once", async () => {
    const namespace = `raced-${randomUUID()}`;
    const runs = await Promise.all(
      Array.from({ length: 3 }, () => runSetup(config(namespace), log)),
    );
    expect(runs.flatMap(changed)).toContain("namespace");
    expect(changed(await runSetup(config(namespace), log))).toEqual([]);
  });

  it("refuses a namespace in which one of its names has another type", async () => {
    const namespace = `taken-${randomUUID()}`;
    const { connection } = temporal.client;
    await runSetup(config(namespace), log);
    await connection.operatorService.removeSearchAttributes({
      namespace,
      searchAttributes: ["MusterZone"],
    });
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries([["MusterZone", integerType]]),
    });
    await expect(runSetup(config(namespace), log)).rejects.toMatchObject({
      code: "SEARCH_ATTRIBUTE_TYPE",
      message: expect.stringContaining("MusterZone") as string,
    });
  });

  it("names what it can't reach, without the password", async () => {
    const gone = "postgres://me:hunter22@127.0.0.1:1/gone";
    const error: unknown = await runSetup(config("any", { DATABASE_URL: gone }), log).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "UNREACHABLE" });
    expect(String(error)).not.toContain("hunter22");
  });

  it("stops waiting for Temporal when it is told to", async () => {
    const stop = new AbortController();
    const ended = runSetup(
      config("any", { TEMPORAL_ADDRESS: "127.0.0.1:1" }),
      log,
      stop.signal,
      () => {
        // The database is done: Temporal is next.
        stop.abort();
      },
    );
    await expect(ended).rejects.toMatchObject({ code: "ABORTED" });
  });
});
