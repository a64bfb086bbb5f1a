import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  claimMaintenanceSlot,
  findAgent,
  listDestinations,
  listMaintenanceSlots,
  registerIdentity,
  releaseMaintenanceSlot,
  takeEpoch,
  writeAgentRecord,
} from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();

/** A host of a cluster, in the state that its record says. */
async function host(
  cluster: string,
  options: { resourceState?: "Enabled" | "PrepareForMaintenance"; status?: "Up" | "Down" } = {},
  migrateTo?: string,
) {
  const { pool } = database;
  const agentId = `host-${randomUUID()}`;
  const place = { zone: "z", cluster, resourceType: "kvm", host: { zone: "z", migrateTo } };
  await registerIdentity(pool, { id: agentId, secretHash: randomBytes(32), ...place });
  await takeEpoch(pool, { agentId, gatewayId: "g", incarnation: "i", ...place });
  const event = { no: 1, atMs: 0, epoch: 1, type: "status", text: "test" };
  await writeAgentRecord(pool, {
    agentId,
    status: options.status ?? "Up",
    statusReason: "test",
    statusSinceMs: 0,
    resourceState: options.resourceState ?? "Enabled",
    maintenance: { phase: "moving" },
    events: [event],
  });
  return { agentId, zone: "z", cluster };
}

describe("places for maintenance", () => {
  it("two hosts that ask at once - one is served, and named to the other", async () => {
    const { pool } = database;
    for (let round = 0; round < 10; round++) {
      const hosts = await Promise.all([1, 2, 3].map(() => host(`race-${round}`)));
      const claims = await Promise.all(
        hosts.map((one) => claimMaintenanceSlot(pool, { ...one, perCluster: 1 })),
      );
      const served = hosts.filter((_, i) => claims[i]?.claimed);
      expect(served).toHaveLength(1);
      for (const { claimed, heldBy } of claims) {
        if (!claimed) expect(heldBy).toEqual([served[0]?.agentId]);
      }
    }
  });

  it("asking again - keeps the place; giving it back lets the next one in", async () => {
    const { pool } = database;
    const [one, two] = [await host("again"), await host("again")];
    const claim = (place: typeof one, perCluster = 1) =>
      claimMaintenanceSlot(pool, { ...place, perCluster });
    expect(await claim(one)).toMatchObject({ claimed: true });
    expect(await claim(one)).toMatchObject({ claimed: true });
    expect(await claim(two)).toEqual({ claimed: false, heldBy: [one.agentId] });
    expect(await claim(await host("again elsewhere"))).toMatchObject({ claimed: true });
    await releaseMaintenanceSlot(pool, one.agentId);
    expect(await claim(two)).toMatchObject({ claimed: true });
    expect(await claim(one, 2)).toMatchObject({ claimed: true });
    expect(await claim(await host("again"), 0)).toMatchObject({ claimed: true });
  });

  it("a place whose lifecycle is gone - is free after a while, not before, and not while it is preparing", async () => {
    const { pool } = database;
    const [gone, busy] = [
      await host("stale"),
      await host("stale", { resourceState: "PrepareForMaintenance" }),
    ];
    for (const one of [gone, busy]) await claimMaintenanceSlot(pool, { ...one, perCluster: 0 });
    const asking = { agentId: "asking", zone: "z", cluster: "stale" };
    expect(await listMaintenanceSlots(pool, asking)).toEqual([gone.agentId, busy.agentId]);
    await pool.query(
      `UPDATE maintenance_slots SET taken_at = now() - interval '11 minutes' WHERE cluster = 'stale'`,
    );
    expect(await listMaintenanceSlots(pool, asking)).toEqual([busy.agentId]);
  });
});

describe("destinations", () => {
  it("are the other hosts of the cluster that are Up, Enabled and take machines", async () => {
    const { pool } = database;
    const one = await host("dest", {}, "qemu+ssh://one/system");
    const two = await host("dest", {}, "qemu+ssh://two/system");
    await host("dest");
    await host("dest", { status: "Down" }, "qemu+ssh://down/system");
    await host("dest", { resourceState: "PrepareForMaintenance" }, "qemu+ssh://busy/system");
    await host("elsewhere", {}, "qemu+ssh://far/system");
    expect(await listDestinations(pool, one)).toEqual([
      { agentId: two.agentId, migrateTo: "qemu+ssh://two/system" },
    ]);
    expect(await findAgent(pool, one.agentId)).toMatchObject({ maintenance: { phase: "moving" } });
  });
});
