import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import {
  declareCluster,
  declareZone,
  findAgent,
  findPlace,
  findRefusal,
  findWorkloads,
  removeCluster,
} from "../../../src/db/index.ts";
import {
  agentWorkflowId,
  operatorUpdates,
  stateQuery,
} from "../../../src/workflows/agent-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isError, newSecret, TestAgent, type Hello } from "./test-agent.ts";
import { joinToken, useGateway, useWorker } from "./test-gateway.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const shared = useGateway(temporal, database, { MUSTER_OPEN_ADMISSION: "false" });
const agents: TestAgent[] = [];

afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
});

async function hello(fields: Hello): Promise<TestAgent> {
  const agent = await TestAgent.hello(shared.gateway.agentUrl, { joinToken, ...fields });
  agents.push(agent);
  return agent;
}
async function connect(fields: Hello): Promise<TestAgent> {
  const agent = await hello(fields);
  await agent.finishHandshake();
  return agent;
}
async function declare(cluster: string, type = "simulator"): Promise<string> {
  await declareZone(database.pool, "z1");
  expect(await declareCluster(database.pool, "z1", cluster, type)).toEqual({ type: "done" });
  return cluster;
}
async function refusal(agent: TestAgent) {
  const { code } = await agent.untilClosed();
  return { closeCode: code, answer: agent.frames[0]?.answers?.[0] };
}
async function statusOf(agentId: string, status: string) {
  const handle = temporal.client.workflow.getHandle(agentWorkflowId(agentId));
  return await waitUntil(`${agentId} is ${status}`, async () => {
    const view = await handle.query(stateQuery);
    return view.status === status && view;
  });
}

describe("admission", () => {
  it("admission - an undeclared place is refused, with what to do and when to come back; declared, it is taken", async () => {
    const fields = { agentId: `a-${randomUUID()}`, secret: newSecret(), cluster: "declared-later" };
    const { closeCode, answer } = await refusal(await hello({ ...fields, zone: "z-none" }));
    expect(closeCode).toBe(4403);
    expect(answer).toMatchObject({ result: false, errorCode: "ZONE_UNKNOWN" });
    expect(answer?.details).toContain("muster zone add z-none");
    expect(answer?.retryAfterMs).toBeGreaterThanOrEqual(45_000);
    expect(answer?.retryAfterMs).toBeLessThanOrEqual(75_000);

    const row = await waitUntil("the refusal is noted", () =>
      findRefusal(database.pool, fields.agentId),
    );
    expect(row).toMatchObject({
      registered: false,
      code: "ZONE_UNKNOWN",
      zone: "z-none",
      cluster: "declared-later",
      resourceType: "simulator",
      gatewayId: shared.gateway.gatewayId,
      reason: answer?.details,
    });
    expect((await findPlace(database.pool, "z-none", "declared-later")).zoneKnown).toBe(false);

    await declare("declared-later");
    await connect(fields);
    await statusOf(fields.agentId, "Up");
    expect(await findRefusal(database.pool, fields.agentId)).toBeUndefined();
  });

  it("admission - a known agent may move to another declared cluster of its type, and to no other", async () => {
    const cluster = await declare("from");
    const agent = await connect({ cluster });
    const same = { agentId: agent.agentId, secret: agent.secret };
    await connect({ ...same, cluster: await declare("to") });
    expect(await findAgent(database.pool, agent.agentId)).toMatchObject({ cluster: "to" });

    const kvm = await declare("kvm-place", "kvm");
    const other = await refusal(await hello({ ...same, cluster: kvm }));
    expect(other.answer).toMatchObject({ errorCode: "RESOURCE_TYPE_MISMATCH" });
    const changed = await refusal(await hello({ ...same, cluster: kvm, resourceType: "kvm" }));
    expect(changed.answer).toMatchObject({ errorCode: "RESOURCE_TYPE_CHANGED" });
    await statusOf(agent.agentId, "Up");
  });

  it("admission - a lost agent whose cluster is gone is in Alert, says why, and comes back when it is there", async () => {
    const cluster = await declare("taken-away");
    const agent = await connect({ cluster });
    await statusOf(agent.agentId, "Up");
    agent.close();
    await statusOf(agent.agentId, "Disconnected");
    await database.pool.query("DELETE FROM clusters WHERE name = $1", [cluster]);
    const same = { agentId: agent.agentId, secret: agent.secret, cluster };
    const { answer } = await refusal(await hello(same));
    expect(answer).toMatchObject({ errorCode: "CLUSTER_UNKNOWN" });
    const alert = await statusOf(agent.agentId, "Alert");
    expect(alert.statusReason).toContain("muster cluster add z1 taken-away --type simulator");
    await declare(cluster);
    await connect(same);
    await statusOf(agent.agentId, "Up");
    const { rows } = await waitUntil("the alert is cleared", async () => {
      const found = await database.pool.query<{ type: string }>(
        "SELECT type FROM events WHERE agent_id = $1 AND type LIKE 'alert%' ORDER BY no",
        [agent.agentId],
      );
      return found.rows.length === 2 && found;
    });
    expect(rows.map(({ type }) => type)).toEqual(["alertRaised", "alertCleared"]);
  });

  it("admission - a thief of an id is shown beside the agent and touches neither its session nor its lifecycle", async () => {
    const agent = await connect({ cluster: await declare("honest") });
    await statusOf(agent.agentId, "Up");
    const thief = await hello({ agentId: agent.agentId, cluster: "honest", secret: newSecret() });
    expect((await refusal(thief)).closeCode).toBe(4401);
    const row = await waitUntil("it is noted", () => findRefusal(database.pool, agent.agentId));
    expect(row).toMatchObject({ registered: true, code: "SECRET_WRONG" });
    const { statusReason } = await statusOf(agent.agentId, "Up");
    expect(statusReason).not.toContain("SECRET_WRONG");
    expect(agent.closed).toBeUndefined();
  });

  it("admission - an agent of another protocol version is told so, and shows up as refused", async () => {
    const agentId = `a-${randomUUID()}`;
    const agent = await TestAgent.dial(shared.gateway.agentUrl);
    agents.push(agent);
    agent.send({ v: 2, kind: "hello", hello: { agentId, key: "of version 2" } });
    expect((await agent.untilClosed()).code).toBe(4403);
    const error = agent.frames.find((frame) => isError(frame, "UNSUPPORTED_VERSION"));
    expect(error?.message).toMatch(/version 2 .*version 1/);
    expect(error?.retryAfterMs).toBeGreaterThanOrEqual(45_000);
    expect(await waitUntil("it is noted", () => findRefusal(database.pool, agentId))).toMatchObject(
      {
        code: "UNSUPPORTED_VERSION",
        registered: false,
      },
    );
  });

  it("admission - a place is removed only when nobody is in it", async () => {
    const cluster = await declare("in-use");
    await connect({ cluster });
    expect(await removeCluster(database.pool, "z1", cluster)).toMatchObject({
      type: "inUse",
      agents: 1,
    });
  });

  it("admission - counts refusals by code", async () => {
    await refusal(await hello({ cluster: "nowhere" }));
    const figures = await shared.gateway.metrics();
    expect(figures).toMatch(/muster_gateway_handshakes_total\{result="CLUSTER_UNKNOWN"\} [1-9]/);
    expect(figures).toMatch(/muster_gateway_closes_total\{code="4403"\} [1-9]/);
    expect(figures).toMatch(/muster_gateway_agents_refused [1-9]/);
  });
});

describe("remove", () => {
  it("remove - the old secret opens nothing any more, with or without join token, nor does any other", async () => {
    const agent = await connect({ cluster: await declare("removed-from") });
    await statusOf(agent.agentId, "Up");
    agent.ping([{ name: "host", healthy: true, workloads: { vm: "On" } }]);
    await waitUntil("its workloads are known", () => findWorkloads(database.pool, agent.agentId));
    await temporal.client.workflow
      .getHandle(agentWorkflowId(agent.agentId))
      .executeUpdate(operatorUpdates.remove, { args: [{ by: "test" }] });
    expect((await agent.untilClosed()).code).toBe(4403);
    await waitUntil("the row is Removed", async () => {
      const row = await findAgent(database.pool, agent.agentId);
      return row?.status === "Removed" && row;
    });
    for (const secret of [agent.secret, newSecret()]) {
      for (const token of [joinToken, undefined]) {
        const fields = { agentId: agent.agentId, secret, joinToken: token };
        const { answer, closeCode } = await refusal(
          await hello({ ...fields, cluster: "removed-from" }),
        );
        expect({ code: answer?.errorCode, closeCode }).toEqual({
          code: "REMOVED",
          closeCode: 4403,
        });
      }
    }
    // Not even if somebody took the mark away: the secret itself is revoked.
    await database.pool.query("UPDATE agents SET removed_at = NULL WHERE id = $1", [agent.agentId]);
    const again = await hello({
      agentId: agent.agentId,
      secret: agent.secret,
      cluster: "removed-from",
    });
    expect((await refusal(again)).answer).toMatchObject({ errorCode: "SECRET_WRONG" });
    expect(await findWorkloads(database.pool, agent.agentId)).toBeUndefined();
  });
});

describe("inventory", () => {
  it("inventory - pings tell what runs on the host; a new session wipes nothing", async () => {
    const agent = await connect({ cluster: await declare("with-vms") });
    agent.ping([{ name: "host", healthy: true, workloads: { "vm-1": "On", "vm-2": "Off" } }]);
    const told = await waitUntil("it is written", () =>
      findWorkloads(database.pool, agent.agentId),
    );
    expect(told.workloads).toEqual([
      { resource: "host", name: "vm-1", power: "On" },
      { resource: "host", name: "vm-2", power: "Off" },
    ]);
    const again = await connect({
      agentId: agent.agentId,
      secret: agent.secret,
      cluster: "with-vms",
    });
    expect((await findWorkloads(database.pool, agent.agentId))?.workloads).toHaveLength(2);
    again.ping([{ name: "host", healthy: true, workloads: { "vm-1": "Off" } }]);
    await waitUntil("the new word", async () => {
      const now = await findWorkloads(database.pool, agent.agentId);
      return now?.epoch === 2 && now.workloads.length === 1 && now.workloads[0]?.power === "Off";
    });
  });
});
