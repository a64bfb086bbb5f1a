import { randomUUID } from "node:crypto";
import { ApplicationFailure } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { createRecordAgent } from "../../../src/activities/record-agent.ts";
import { createRecordGateway } from "../../../src/activities/record-gateway.ts";
import {
  findAgent,
  listGateways,
  listNewestEvents,
  openPool,
  registerIdentity,
  upsertGateway,
} from "../../../src/db/index.ts";
import type { AgentRecord } from "../../../src/workflows/activity-types.ts";
import { balancerWorkflowId } from "../../../src/workflows/balancer-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";

const database = useDatabase();
const temporal = useTemporal();

function record(agentId: string, eventNo: number): AgentRecord {
  return {
    agentId,
    status: "Up",
    statusReason: "connected",
    statusSinceMs: 1_700_000_000_000,
    resourceState: "Enabled",
    epoch: 1,
    session: { gatewayId: "g", incarnation: "i" },
    events: [{ no: eventNo, atMs: 1, epoch: 1, type: "connected", text: "connected" }],
  };
}

async function register(): Promise<string> {
  const id = `agent-${randomUUID()}`;
  const place = { zone: "z", cluster: "c", resourceType: "simulator", host: {} };
  await registerIdentity(database.pool, { id, secretHash: Buffer.alloc(32), ...place });
  return id;
}

describe("recordAgent", () => {
  it("writes the read model, twice the same as once", async () => {
    const agentId = await register();
    const recordAgent = createRecordAgent({ db: database.pool });
    await recordAgent(record(agentId, 1));
    await recordAgent(record(agentId, 1));
    expect(await findAgent(database.pool, agentId)).toMatchObject({ status: "Up" });
    expect(await listNewestEvents(database.pool, agentId, 10)).toHaveLength(1);
  });

  it("fails for good on a record that no attempt can write", async () => {
    const agentId = await register();
    const recordAgent = createRecordAgent({ db: database.pool });
    const error: unknown = await recordAgent(record(agentId, 1.5)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ type: "INVALID_RECORD", nonRetryable: true });
  });

  it("fails for another attempt while the database is away", async () => {
    const away = openPool("postgres://nobody:nothing@127.0.0.1:1/gone");
    const recordAgent = createRecordAgent({ db: away });
    const error: unknown = await recordAgent(record("agent", 1)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ApplicationFailure);
    await away.end();
  });
});

describe("recordGateway", () => {
  it("marks the row of that run alone, and has the balancer look at the fleet", async () => {
    const gatewayId = `g-${randomUUID()}`;
    const urls = { version: "1", agentUrl: "ws://g/agent", apiUrl: "http://g" };
    await upsertGateway(database.pool, { id: gatewayId, incarnation: "i2", ...urls });
    const recordGateway = createRecordGateway({
      db: database.pool,
      client: temporal.client,
    });
    const state = async () =>
      (await listGateways(database.pool)).find((row) => row.id === gatewayId)?.state;
    await recordGateway({ gateway: { gatewayId, incarnation: "i1" }, state: "lost", reason: "" });
    expect(await state()).toBe("joined");
    await recordGateway({ gateway: { gatewayId, incarnation: "i2" }, state: "lost", reason: "" });
    expect(await state()).toBe("lost");
    const balancer = temporal.client.workflow.getHandle(balancerWorkflowId);
    expect((await balancer.describe()).status.name).toBe("RUNNING");
  });
});
