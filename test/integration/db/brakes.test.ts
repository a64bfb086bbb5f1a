import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createAskBrake } from "../../../src/activities/ask-brake.ts";
import { createRecordRecovery } from "../../../src/activities/record-recovery.ts";
import type { ResourceState } from "../../../src/api/index.ts";
import {
  countLosses,
  findBrake,
  listBrakes,
  listRecoveries,
  registerIdentity,
  releaseBrake,
  writeAgentRecord,
} from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();
const brake = { brakeShare: 0.3, brakeWindowMs: 60_000, brakeLostMin: 3 };
const ask = (zone: string, cluster = "c1") =>
  createAskBrake({ db: database.pool, log: pino({ level: "silent" }), brake })({
    agentId: "whoever",
    zone,
    cluster,
  });

let eventNo = 0;
/** Writes the row of an agent as its lifecycle does; `lostAgoMs` undefined: it is Up. */
async function agent(
  id: string,
  place: { zone: string; cluster?: string },
  lostAgoMs?: number,
  resourceState: ResourceState = "Enabled",
): Promise<void> {
  const { zone, cluster = "c1" } = place;
  const about = { zone, cluster, resourceType: "simulator", host: {} };
  await registerIdentity(database.pool, { id, secretHash: Buffer.alloc(32), ...about });
  const nowMs = Date.now();
  eventNo += 1;
  await writeAgentRecord(database.pool, {
    agentId: id,
    status: lostAgoMs === undefined ? "Up" : "Disconnected",
    statusReason: "as the test says",
    statusSinceMs: nowMs,
    resourceState,
    ...(lostAgoMs !== undefined && { lostAtMs: nowMs - lostAgoMs }),
    events: [{ no: eventNo, atMs: nowMs, epoch: 1, type: "status", text: "as the test says" }],
  });
}

async function fleet(zone: string, up: number, lost: number, lostAgoMs = 1_000): Promise<void> {
  for (let i = 0; i < up; i++) await agent(`${zone}-up-${i}`, { zone });
  for (let i = 0; i < lost; i++) await agent(`${zone}-lost-${i}`, { zone }, lostAgoMs);
}

describe("losses", () => {
  it("are counted by place and window, hosts out of service left out", async () => {
    const zone = `z-${randomUUID()}`;
    await agent(`${zone}-1`, { zone });
    await agent(`${zone}-2`, { zone }, 1_000);
    await agent(`${zone}-3`, { zone }, 3_600_000);
    await agent(`${zone}-4`, { zone, cluster: "c2" }, 1_000);
    await agent(`${zone}-5`, { zone }, 1_000, "Maintenance");
    expect(await countLosses(database.pool, zone, "c1", 60_000)).toEqual({
      total: 3,
      lostNow: 2,
      lostInWindow: 1,
    });
    expect(await countLosses(database.pool, zone, "", 60_000)).toMatchObject({ total: 4 });
  });
});

describe("the brake", () => {
  it("is not on for a few lost hosts", async () => {
    const zone = `z-${randomUUID()}`;
    await fleet(zone, 1, 2);
    expect(await ask(zone)).toMatchObject({ held: false });
    expect(await findBrake(database.pool, zone, "c1")).toBeUndefined();
  });

  it("goes on in a mass loss, is listed, stays on while losses grow old, goes off when hosts are back", async () => {
    const zone = `z-${randomUUID()}`;
    await fleet(zone, 2, 4);
    const answer = await ask(zone);
    expect(answer.held).toBe(true);
    expect(answer.reason).toContain(`cluster ${zone}/c1 4 of 6 hosts were lost within 60 s`);
    const listed = (await listBrakes(database.pool)).filter((row) => row.zone === zone);
    expect(listed.map(({ cluster }) => cluster)).toEqual(["", "c1"]);
    for (let i = 0; i < 4; i++) await agent(`${zone}-lost-${i}`, { zone }, 3_600_000);
    expect(await ask(zone)).toMatchObject({ held: true });
    for (let i = 0; i < 3; i++) await agent(`${zone}-lost-${i}`, { zone });
    expect(await ask(zone)).toMatchObject({ held: false });
    expect((await findBrake(database.pool, zone, ""))?.since).toBeNull();
  });

  it("of a zone holds for its clusters, until an operator releases the zone or the cluster", async () => {
    const zone = `z-${randomUUID()}`;
    await fleet(zone, 2, 4);
    await agent(`${zone}-elsewhere`, { zone, cluster: "c2" }, 1_000);
    expect(await ask(zone, "c2")).toMatchObject({ held: true });
    const released = await releaseBrake(database.pool, zone, "c2", 60_000, "ada");
    expect(released).toMatchObject({ releasedBy: "ada", since: null });
    expect(await ask(zone, "c2")).toMatchObject({ held: false });
    expect(await ask(zone, "c1")).toMatchObject({ held: true });
    await releaseBrake(database.pool, zone, "", 60_000, "ada");
    expect(await ask(zone, "c1")).toMatchObject({ held: false });
  });
});

describe("recoveries", () => {
  it("are recorded once for each loss, with what last ran on the host", async () => {
    const agentId = `r-${randomUUID()}`;
    await agent(agentId, { zone: "z-recoveries" }, 1_000);
    const workloads = [{ resource: "host", name: "vm-1", power: "On" }];
    await database.pool.query(
      `INSERT INTO inventory (agent_id, epoch, workloads) VALUES ($1, 1, $2)`,
      [agentId, JSON.stringify(workloads)],
    );
    const record = createRecordRecovery({ db: database.pool, log: pino({ level: "silent" }) });
    const recovery = {
      agentId,
      epoch: 1,
      zone: "z",
      cluster: "c1",
      resourceType: "simulator",
      lostAtMs: Date.now() - 1_000,
      downAtMs: Date.now(),
      evidence: [],
    };
    expect(await record(recovery)).toEqual({ workloads });
    await database.pool.query(`DELETE FROM inventory WHERE agent_id = $1`, [agentId]);
    expect(await record({ ...recovery, downAtMs: Date.now() + 5_000 })).toEqual({ workloads });
    const rows = await listRecoveries(database.pool, { agentId, limit: 10 });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ epoch: 1, workloads });
    expect(await record({ ...recovery, epoch: 2 })).toEqual({ workloads: [] });
  });
});
