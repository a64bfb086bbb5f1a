import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Status } from "../../../src/api/index.ts";
import {
  countByStatus,
  findAgent,
  listAgents,
  listNeighbours,
  listNewestEvents,
  registerIdentity,
  takeEpoch,
  writeAgentRecord,
  type EventToAppend,
} from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();

async function register(zone: string, cluster = "c1"): Promise<string> {
  const id = `agent-${randomUUID()}`;
  const agent = { id, secretHash: Buffer.alloc(32), zone, cluster, resourceType: "simulator" };
  await registerIdentity(database.pool, { ...agent, host: { address: "10.0.0.1" } });
  return id;
}

function event(no: number, text = `event ${no}`): EventToAppend {
  return { no, atMs: 1_700_000_000_000 + no, epoch: 1, type: "status", text, data: { no } };
}

async function write(
  agentId: string,
  status: Status,
  events: EventToAppend[],
  extra: { statusReason?: string; pingIntervalMs?: number } = {},
): Promise<void> {
  await writeAgentRecord(database.pool, {
    agentId,
    status,
    statusReason: "by test",
    statusSinceMs: 1_700_000_000_000,
    resourceState: "Enabled",
    events,
    ...extra,
  });
}

describe("agent record", () => {
  it("writes the row and appends its events", async () => {
    const id = await register("write");
    await write(id, "Up", [event(1), event(2)], { pingIntervalMs: 2_000 });
    expect(await findAgent(database.pool, id)).toMatchObject({
      id,
      status: "Up",
      statusReason: "by test",
      statusSince: new Date(1_700_000_000_000),
      resourceState: "Enabled",
      host: { address: "10.0.0.1" },
      gatewayId: null,
    });
    const events = await listNewestEvents(database.pool, id, 10);
    expect(events.map(({ no, text, data }) => ({ no, text, data }))).toEqual([
      { no: 1, text: "event 1", data: { no: 1 } },
      { no: 2, text: "event 2", data: { no: 2 } },
    ]);
  });

  it("appends each event number once, also when records overlap or come at the same time", async () => {
    const id = await register("idempotent");
    await Promise.all(
      Array.from({ length: 6 }, () => write(id, "Up", [event(1), event(2), event(3)])),
    );
    await write(id, "Up", [event(2, "told otherwise"), event(3), event(4)]);
    const events = await listNewestEvents(database.pool, id, 10);
    expect(events.map((one) => one.no)).toEqual([1, 2, 3, 4]);
    expect(events[1]?.text).toBe("event 2");
  });

  it("does not overwrite the row with an older record, and still appends the older events", async () => {
    const id = await register("older");
    await write(id, "Disconnected", [event(5)]);
    await write(id, "Up", [event(4)]);
    expect((await findAgent(database.pool, id))?.status).toBe("Disconnected");
    expect((await listNewestEvents(database.pool, id, 10)).map((one) => one.no)).toEqual([4, 5]);
    await write(id, "Up", [event(6)]);
    expect((await findAgent(database.pool, id))?.status).toBe("Up");
  });

  it("takes text that Postgres would refuse", async () => {
    const id = await register("text");
    const bad = "NUL \0 and half a pair \ud83d";
    await write(id, "Alert", [{ ...event(1, bad), data: { [bad]: [bad] } }], { statusReason: bad });
    const good = "NUL \u{FFFD} and half a pair \u{FFFD}";
    expect((await findAgent(database.pool, id))?.statusReason).toBe(good);
    const [only] = await listNewestEvents(database.pool, id, 1);
    expect(only).toMatchObject({ text: good, data: { [good]: [good] } });
  });

  it("keeps the events of an agent that has no row", async () => {
    const id = `agent-${randomUUID()}`;
    await write(id, "Up", [event(1)]);
    expect(await findAgent(database.pool, id)).toBeUndefined();
    expect(await listNewestEvents(database.pool, id, 10)).toHaveLength(1);
  });
});

describe("agent list", () => {
  it("pages in id order and filters by every field", async () => {
    const { pool } = database;
    const zone = `zone-${randomUUID()}`;
    const ids = (await Promise.all(Array.from({ length: 4 }, () => register(zone)))).toSorted();
    const [first = "", second = "", third = "", fourth = ""] = ids;
    await write(first, "Up", [event(1)]);
    await write(second, "Removed", [event(1)]);
    const session = { agentId: third, gatewayId: "g-list", incarnation: "i" };
    const host = { zone, cluster: "c2", resourceType: "kvm", host: {} };
    await takeEpoch(pool, { ...session, ...host });

    const idsOf = async (filter: Omit<Parameters<typeof listAgents>[1], "limit">) =>
      (await listAgents(pool, { zone, limit: 10, ...filter })).map((agent) => agent.id);
    expect(await idsOf({})).toEqual([first, third, fourth]);
    expect(await idsOf({ withRemoved: true })).toEqual(ids);
    expect(await idsOf({ after: first })).toEqual([third, fourth]);
    expect(await idsOf({ status: "Up" })).toEqual([first]);
    expect(await idsOf({ resourceState: "Enabled" })).toEqual([first]);
    expect(await idsOf({ cluster: "c2" })).toEqual([third]);
    expect(await idsOf({ resourceType: "kvm" })).toEqual([third]);
    expect(await idsOf({ gatewayId: "g-list" })).toEqual([third]);
    expect(await listAgents(pool, { zone, limit: 2 })).toHaveLength(2);
    const [held] = await listAgents(pool, { zone, limit: 10, gatewayId: "g-list" });
    expect(held).toMatchObject({ gatewayId: "g-list", epoch: 1 });
  });

  it("counts each Status, without the removed", async () => {
    const before = await countByStatus(database.pool);
    const id = await register("count");
    await write(id, "Down", [event(1)]);
    await write(await register("count"), "Removed", [event(1)]);
    const after = await countByStatus(database.pool);
    expect(after.get("Down")).toBe((before.get("Down") ?? 0) + 1);
    expect(after.has("Removed")).toBe(false);
  });
});

describe("neighbours of a lost host", () => {
  it("are Up, have a session and stand in its cluster; it is none itself", async () => {
    const zone = `zone-${randomUUID()}`;
    const session = (agentId: string) =>
      takeEpoch(database.pool, {
        ...{ agentId, gatewayId: "g1", incarnation: "i1", zone, cluster: "c1" },
        ...{ resourceType: "simulator", host: {} },
      });
    const up = async () => {
      const id = await register(zone);
      await session(id);
      await write(id, "Up", [event(1)]);
      return id;
    };
    const lost = await up();
    const near = [await up(), await up(), await up()];
    await write(await register(zone), "Up", [event(1)]);
    const gone = await register(zone);
    await session(gone);
    await write(gone, "Disconnected", [event(1)]);
    await write(await register(zone, "c2"), "Up", [event(1)]);

    const find = (atMost: number) =>
      listNeighbours(database.pool, { agentId: lost, zone, cluster: "c1", atMost });
    const all = await find(10);
    expect(all.map(({ agentId }) => agentId).sort()).toEqual([...near].sort());
    expect(all.every(({ gatewayId }) => gatewayId === "g1")).toBe(true);
    // Not always the same ones: all three are named sooner or later.
    const asked = new Set<string>();
    for (let i = 0; i < 100 && asked.size < 3; i++) {
      for (const { agentId } of await find(1)) asked.add(agentId);
    }
    expect([...asked].sort()).toEqual([...near].sort());
  });
});
