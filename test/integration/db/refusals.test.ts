import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  findAgent,
  findIdentity,
  findRefusal,
  findWorkloads,
  listAgents,
  listRefusals,
  registerIdentity,
  removeRegistered,
  takeEpoch,
  trimRefusals,
  writeAgentRecord,
  writeInventory,
  writeRefusals,
  type RefusalToWrite,
} from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();
const place = { zone: "z1", cluster: "c1", resourceType: "simulator" };

async function register(): Promise<string> {
  const id = `agent-${randomUUID()}`;
  await registerIdentity(database.pool, {
    id,
    secretHash: Buffer.alloc(32, 7),
    ...place,
    host: {},
  });
  return id;
}

function take(agentId: string): Promise<number | undefined> {
  const session = { agentId, gatewayId: "g1", incarnation: "i1", ...place, host: {} };
  return takeEpoch(database.pool, session);
}

function refusal(agentId: string, more: Partial<RefusalToWrite> = {}): RefusalToWrite {
  const said = { code: "CLUSTER_UNKNOWN", reason: "Declare it.", peer: "10.0.0.1:1" };
  return { agentId, ...said, gatewayId: "g1", ...place, count: 1, agoMs: 0, ...more };
}

async function remove(agentId: string): Promise<void> {
  await writeAgentRecord(database.pool, {
    agentId,
    status: "Removed",
    statusReason: "removed by test",
    statusSinceMs: 1_000,
    resourceState: "Enabled",
    events: [{ no: 1, atMs: 1_000, epoch: 1, type: "status", text: "removed" }],
  });
}

describe("refusals", () => {
  it("refusals - stand beside a registered agent until its next good handshake", async () => {
    const { pool } = database;
    const id = await register();
    await writeRefusals(pool, [refusal(id, { agoMs: 2_000 })]);
    expect((await findAgent(pool, id))?.refusal).toMatchObject({
      code: "CLUSTER_UNKNOWN",
      reason: "Declare it.",
      gatewayId: "g1",
      count: 1,
      lastAt: expect.stringMatching(/^\d{4}-/) as string,
    });
    const refused = await listAgents(pool, { limit: 10, refused: true });
    expect(refused.map((row) => row.id)).toEqual([id]);
    await take(id);
    expect((await findAgent(pool, id))?.refusal).toBeNull();
    expect(await findRefusal(pool, id)).toBeUndefined();
  });

  it("refusals - count while the reason is the same, and begin anew with another one", async () => {
    const { pool } = database;
    const id = await register();
    await writeRefusals(pool, [refusal(id, { count: 2, agoMs: 60_000 })]);
    await writeRefusals(pool, [refusal(id, { count: 3 })]);
    const same = await findRefusal(pool, id);
    expect(same).toMatchObject({ count: 5, registered: true });
    expect(Number(same?.lastAt) - Number(same?.firstAt)).toBeGreaterThan(55_000);
    await writeRefusals(pool, [refusal(id, { code: "RESOURCE_TYPE_MISMATCH" })]);
    expect(await findRefusal(pool, id)).toMatchObject({ count: 1, code: "RESOURCE_TYPE_MISMATCH" });
  });

  it("refusals - one that a good handshake has overtaken is not written any more", async () => {
    const { pool } = database;
    const id = await register();
    await take(id);
    await writeRefusals(pool, [refusal(id, { agoMs: 5_000 })]);
    expect(await findRefusal(pool, id)).toBeUndefined();
  });

  it("refusals - keep a name with a NUL and half a surrogate pair in it", async () => {
    const id = `agent-${randomUUID()}`;
    await writeRefusals(database.pool, [refusal(id, { zone: "a\0b", cluster: "\ud800" })]);
    expect(await findRefusal(database.pool, id)).toMatchObject({
      zone: "a\u{FFFD}b",
      cluster: "\u{FFFD}",
    });
  });

  it("refusals - of unbound ids so many stay, those with the right join token before others", async () => {
    const { pool } = database;
    await pool.query("DELETE FROM refusals");
    const bound = await register();
    const tokenless = { code: "JOIN_TOKEN_WRONG" };
    await writeRefusals(pool, [
      refusal(bound, { ...tokenless, agoMs: 9_000 }),
      refusal("honest", { agoMs: 8_000 }),
      ...Array.from({ length: 20 }, (_, i) =>
        refusal(`rubbish-${i + 10}`, { ...tokenless, agoMs: i }),
      ),
    ]);
    await trimRefusals(pool, 5);
    const unbound = await listRefusals(pool, { registered: false, limit: 100 });
    expect(unbound.map(({ agentId }) => agentId)).toEqual([
      "honest",
      "rubbish-10",
      "rubbish-11",
      "rubbish-12",
      "rubbish-13",
    ]);
    expect(await findRefusal(pool, bound)).toBeDefined();
    expect(await listRefusals(pool, { registered: true, limit: 100 })).toHaveLength(1);
  });

  it("refusals - of agents that have not dialled for a day go", async () => {
    const { pool } = database;
    const id = await register();
    await writeRefusals(pool, [refusal(id, { agoMs: 25 * 3_600_000 })]);
    await trimRefusals(pool, 1_000);
    expect(await findRefusal(pool, id)).toBeUndefined();
  });
});

describe("inventory", () => {
  const vm = (name: string, resource = "host") => ({ resource, name, power: "On" }) as const;

  it("inventory - the newest epoch wins, whatever comes late", async () => {
    const { pool } = database;
    const agentId = await register();
    const write = (epoch: number, name: string) =>
      writeInventory(pool, [{ agentId, epoch, workloads: [vm(name)], silent: [] }]);
    await write(2, "second");
    await write(1, "first");
    expect(await findWorkloads(pool, agentId)).toMatchObject({
      epoch: 2,
      workloads: [vm("second")],
      ageMs: expect.any(Number) as number,
    });
    await write(2, "third");
    expect((await findWorkloads(pool, agentId))?.workloads).toEqual([vm("third")]);
  });

  it("inventory - a resource that can't say keeps what was known of it, one that is gone does not", async () => {
    const { pool } = database;
    const agentId = await register();
    const all = [vm("a", "one"), vm("b", "two"), vm("c", "three")];
    await writeInventory(pool, [{ agentId, epoch: 1, workloads: all, silent: [] }]);
    const now = [vm("d", "one")];
    await writeInventory(pool, [{ agentId, epoch: 1, workloads: now, silent: ["two"] }]);
    expect((await findWorkloads(pool, agentId))?.workloads).toEqual([
      vm("b", "two"),
      vm("d", "one"),
    ]);
  });

  it("inventory - an agent that nobody knows, or that was removed, harms the batch of nobody else", async () => {
    const { pool } = database;
    const [agentId, removed] = [await register(), await register()];
    await remove(removed);
    const one = { epoch: 1, workloads: [vm("a\0b")], silent: [] };
    await writeInventory(pool, [
      { agentId: "nobody", ...one },
      { agentId: removed, ...one },
      { agentId, ...one },
    ]);
    expect((await findWorkloads(pool, agentId))?.workloads).toEqual([vm("a\u{FFFD}b")]);
    expect(await findWorkloads(pool, removed)).toBeUndefined();
    expect(await findWorkloads(pool, "nobody")).toBeUndefined();
  });
});

describe("removal", () => {
  it("removal - revokes the secret and takes along what hung on the agent", async () => {
    const { pool } = database;
    const id = await register();
    await take(id);
    await writeRefusals(pool, [refusal(id)]);
    await writeInventory(pool, [{ agentId: id, epoch: 1, workloads: [], silent: [] }]);
    await pool.query(
      "INSERT INTO maintenance_slots (agent_id, zone, cluster) VALUES ($1, 'z', 'c')",
      [id],
    );
    await remove(id);
    expect(await findIdentity(pool, id)).toMatchObject({
      removed: true,
      secretHash: Buffer.alloc(0),
    });
    expect(await findAgent(pool, id)).toMatchObject({ gatewayId: null, refusal: null });
    expect(await findWorkloads(pool, id)).toBeUndefined();
    const { rowCount } = await pool.query("SELECT 1 FROM maintenance_slots WHERE agent_id = $1", [
      id,
    ]);
    expect(rowCount).toBe(0);
  });

  it("removal - a record that comes later does not bring the agent back", async () => {
    const { pool } = database;
    const id = await register();
    expect(await removeRegistered(pool, id, "removed by test")).toBe(true);
    await writeAgentRecord(pool, {
      agentId: id,
      status: "Up",
      statusReason: "connected",
      statusSinceMs: 1_000,
      resourceState: "Enabled",
      events: [{ no: 7, atMs: 1_000, epoch: 1, type: "status", text: "Up" }],
    });
    expect(await findAgent(pool, id)).toMatchObject({ status: "Removed" });
    expect(await findIdentity(pool, id)).toMatchObject({ removed: true });
    expect(await take(id)).toBeUndefined();
  });

  it("removal - of an agent without lifecycle is an event, once; of an unknown one it is nothing", async () => {
    const { pool } = database;
    const id = await register();
    await removeRegistered(pool, id, "removed by test");
    expect(await removeRegistered(pool, id, "removed again")).toBe(true);
    const { rows } = await pool.query<{ text: string }>(
      "SELECT text FROM events WHERE agent_id = $1",
      [id],
    );
    expect(rows).toEqual([{ text: "removed by test" }]);
    expect(await removeRegistered(pool, "nobody", "removed by test")).toBe(false);
  });
});
