import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  findPlace,
  findRequestAgent,
  forgetOldRequests,
  forgetRefusedRequest,
  learnCluster,
  listGateways,
  markGateway,
  noteRequest,
  registerIdentity,
  takeEpoch,
  upsertGateway,
} from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();

function gateway(id: string, incarnation: string) {
  return { id, incarnation, version: "1.0", agentUrl: `ws://${id}/agent`, apiUrl: `http://${id}` };
}

async function gatewayRow(id: string) {
  return (await listGateways(database.pool)).find((row) => row.id === id);
}

describe("gateways", () => {
  it("join, are lost or leave", async () => {
    const { pool } = database;
    await upsertGateway(pool, gateway("g-a", "i1"));
    await upsertGateway(pool, gateway("g-b", "i1"));
    await markGateway(pool, "g-a", "i1", "lost", "no heartbeat");
    expect(await gatewayRow("g-a")).toMatchObject({ state: "lost", stateReason: "no heartbeat" });
  });

  it("are not marked for an incarnation that a newer one has replaced", async () => {
    const { pool } = database;
    await upsertGateway(pool, gateway("g-c", "i1"));
    await upsertGateway(pool, gateway("g-c", "i2"));
    await markGateway(pool, "g-c", "i1", "lost", "late news");
    expect(await gatewayRow("g-c")).toMatchObject({ state: "joined", incarnation: "i2" });
  });

  it("count the agents of their own run that are connected", async () => {
    const { pool } = database;
    await upsertGateway(pool, gateway("g-d", "i2"));
    for (const incarnation of ["i1", "i2", "i2"]) {
      const agentId = `agent-${randomUUID()}`;
      const agent = { zone: "z", cluster: "c", resourceType: "simulator", host: {} };
      await registerIdentity(pool, { id: agentId, secretHash: Buffer.alloc(32), ...agent });
      await takeEpoch(pool, { agentId, gatewayId: "g-d", incarnation, ...agent });
    }
    expect((await gatewayRow("g-d"))?.agents).toBe(2);
  });
});

describe("clusters", () => {
  it("that agents make known keep the resource type of whoever was first", async () => {
    const { pool } = database;
    expect(await findPlace(pool, "z-new", "c-new")).toEqual({ zoneKnown: false });
    const types = await Promise.all(
      ["kvm", "simulator", "kvm", "simulator"].map((type) =>
        learnCluster(pool, "z-new", "c-new", type),
      ),
    );
    expect(new Set(types).size).toBe(1);
    expect(await findPlace(pool, "z-new", "c-new")).toEqual({
      zoneKnown: true,
      clusterType: types[0],
    });
    expect(await findPlace(pool, "z-new", "other")).toEqual({ zoneKnown: true });
  });
});

describe("request ids", () => {
  it("belong to the agent that they were first used for", async () => {
    const { pool } = database;
    const id = randomUUID();
    expect(await findRequestAgent(pool, id)).toBeUndefined();
    expect(await noteRequest(pool, id, "agent-1", 1_000)).toEqual({
      agentId: "agent-1",
      firstAgoMs: undefined,
    });
    const again = await noteRequest(pool, id, "agent-2", 1_000);
    expect(again.agentId).toBe("agent-1");
    expect(again.firstAgoMs).toBeGreaterThanOrEqual(0);
    expect(await findRequestAgent(pool, id)).toBe("agent-1");
  });

  it("tell how long ago they were noted first", async () => {
    const { pool } = database;
    const id = randomUUID();
    await noteRequest(pool, id, "agent-1", 1_000);
    await pool.query(`UPDATE requests SET at = now() - interval '90 seconds' WHERE id = $1`, [id]);
    const { firstAgoMs } = await noteRequest(pool, id, "agent-1", 1_000);
    expect(firstAgoMs).toBeGreaterThanOrEqual(90_000);
    expect(firstAgoMs).toBeLessThan(120_000);
  });

  it("of refused Requests are forgotten, unless somebody else brought them too", async () => {
    const { pool } = database;
    const [once, twice] = [randomUUID(), randomUUID()];
    for (const id of [once, twice, twice]) await noteRequest(pool, id, "agent-1", 1_000);
    for (const id of [once, twice]) await forgetRefusedRequest(pool, id);
    expect(await findRequestAgent(pool, once)).toBeUndefined();
    expect(await findRequestAgent(pool, twice)).toBe("agent-1");
  });

  it("are forgotten in batches, 7 days after the wait of their Requests; those of an earlier release after 17", async () => {
    const { pool } = database;
    const [short, long, early] = [randomUUID(), randomUUID(), randomUUID()];
    await noteRequest(pool, short, "agent-1", 60_000);
    await noteRequest(pool, long, "agent-1", 5 * 86_400_000);
    await pool.query(`INSERT INTO requests (id, agent_id) VALUES ($1, 'agent-1')`, [early]);
    const ageDays = async (days: number): Promise<void> => {
      await pool.query(`UPDATE requests SET forget_at = forget_at - make_interval(days => $1)`, [
        days,
      ]);
    };
    const left = async () => {
      while ((await forgetOldRequests(pool, 2)) > 0);
      const { rows } = await pool.query<{ id: string }>("SELECT id FROM requests");
      const ids = rows.map(({ id }) => id);
      return [short, long, early].filter((id) => ids.includes(id));
    };
    await ageDays(7);
    expect(await left()).toEqual([short, long, early]);
    await ageDays(1);
    expect(await left()).toEqual([long, early]);
    await ageDays(5);
    expect(await left()).toEqual([early]);
    await ageDays(5);
    expect(await left()).toEqual([]);
  });
});
