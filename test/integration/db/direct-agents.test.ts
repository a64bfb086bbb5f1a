import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  claimDirectAgent,
  declareDirectAgent,
  endDirectLease,
  findDirectAgent,
  findIdentity,
  markGateway,
  openDirectLease,
  registerIdentity,
  releaseDirectAgent,
  removeRegistered,
  renewDirectLease,
  takeEpoch,
  upsertGateway,
} from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();
const place = { zone: "z", cluster: "c" };

/** A gateway with its lease. */
async function join(): Promise<{ gatewayId: string; incarnation: string; leaseId: string }> {
  const [gatewayId, incarnation, leaseId] = [randomUUID(), randomUUID(), randomUUID()];
  const urls = { agentUrl: "ws://g/agent", apiUrl: "http://g" };
  await upsertGateway(database.pool, { id: gatewayId, incarnation, version: "1", ...urls });
  await openDirectLease(database.pool, { id: leaseId, gatewayId, incarnation });
  return { gatewayId, incarnation, leaseId };
}

async function declare(): Promise<string> {
  const id = `direct-${randomUUID()}`;
  const agent = { id, ...place, resource: "kvm", config: "{}", shownConfig: {} };
  expect(await declareDirectAgent(database.pool, agent)).toBe("declared");
  return id;
}

function claim(id: string, leaseId: string, claims = 0, journalId = leaseId) {
  const secretHash = Buffer.from(leaseId);
  return claimDirectAgent(database.pool, { id, claims, leaseId, secretHash, journalId });
}

function epochFor(id: string, owner: { gatewayId: string; incarnation: string }) {
  const { gatewayId, incarnation } = owner;
  const described = { ...place, resourceType: "kvm", host: {} };
  return takeEpoch(database.pool, { agentId: id, gatewayId, incarnation, ...described });
}

describe("a direct agent", () => {
  it("is claimed once, by whoever is first, and freed by nobody but its owner", async () => {
    const { pool } = database;
    const id = await declare();
    const [one, other] = [await join(), await join()];
    const claims = await Promise.all([claim(id, one.leaseId), claim(id, other.leaseId)]);
    expect(claims.filter((made) => made !== undefined)).toHaveLength(1);
    const owner = claims[0] === undefined ? other : one;
    expect(await findDirectAgent(pool, id)).toMatchObject({ gatewayId: owner.gatewayId });
    expect(await releaseDirectAgent(pool, id, 7)).toBe(false);
    expect(await releaseDirectAgent(pool, id, 1)).toBe(true);
    expect(await claim(id, other.leaseId, 1)).toMatchObject({ claims: 2 });
  });

  it("is free when its owner's lease is ended, which no renewal brings back", async () => {
    const { pool } = database;
    const id = await declare();
    const [one, other] = [await join(), await join()];
    await claim(id, one.leaseId);
    expect(await renewDirectLease(pool, one.leaseId)).toEqual(new Map([[id, 1]]));
    // It was renewed once: whoever saw it before that may not end it.
    expect(await endDirectLease(pool, one.leaseId, 0)).toBe(false);
    expect(await endDirectLease(pool, one.leaseId, 1)).toBe(true);
    expect(await renewDirectLease(pool, one.leaseId)).toBeUndefined();
    expect(await claim(id, other.leaseId, 1)).toMatchObject({ claims: 2 });
  });

  it("is not kept by a gateway that is lost or replaced", async () => {
    const { pool } = database;
    const lost = await join();
    await markGateway(pool, lost.gatewayId, lost.incarnation, "lost", "no heartbeat");
    expect(await renewDirectLease(pool, lost.leaseId)).toBeUndefined();
    const id = randomUUID();
    expect(await openDirectLease(pool, { id, ...lost })).toBe(false);
  });

  it("gets an epoch by its owner alone, and with the secret of the present claim", async () => {
    const { pool } = database;
    const id = await declare();
    const [one, other] = [await join(), await join()];
    await claim(id, one.leaseId);
    const registered = { id, secretHash: Buffer.alloc(32), ...place, resourceType: "kvm" };
    await registerIdentity(pool, { ...registered, host: {} });
    expect(await epochFor(id, other)).toBeUndefined();
    expect(await epochFor(id, one)).toBe(1);
    await releaseDirectAgent(pool, id, 1);
    expect(await epochFor(id, one)).toBeUndefined();
    await claim(id, other.leaseId, 1);
    expect(await epochFor(id, other)).toBe(2);
    const { directSecretHash } = (await findIdentity(pool, id)) ?? {};
    expect(directSecretHash).toEqual(Buffer.from(other.leaseId));
  });

  it("has a journal that knows of all sessions since its disk became the owner's", async () => {
    const { pool } = database;
    const id = await declare();
    const [one, other] = [await join(), await join()];
    const registered = { id, secretHash: Buffer.alloc(32), ...place, resourceType: "kvm" };
    await registerIdentity(pool, { ...registered, host: {} });
    expect(await claim(id, one.leaseId, 0, "disk-1")).toMatchObject({ journalEpoch: 1 });
    await epochFor(id, one);
    await epochFor(id, one);
    await releaseDirectAgent(pool, id, 1);
    expect(await claim(id, one.leaseId, 1, "disk-1")).toMatchObject({ journalEpoch: 1 });
    await releaseDirectAgent(pool, id, 2);
    expect(await claim(id, other.leaseId, 2, "disk-2")).toMatchObject({ journalEpoch: 3 });
    await releaseDirectAgent(pool, id, 3);
    expect(await claim(id, one.leaseId, 3, "disk-1")).toMatchObject({ journalEpoch: 3 });
  });

  it("ends with its agent, and takes no id that is used", async () => {
    const { pool } = database;
    const id = await declare();
    const registered = { id, secretHash: Buffer.alloc(32), ...place, resourceType: "kvm" };
    await registerIdentity(pool, { ...registered, host: {} });
    const again = { id, ...place, resource: "kvm", config: "{}", shownConfig: {} };
    expect(await declareDirectAgent(pool, again)).toBe("declaredBefore");
    await removeRegistered(pool, id, "removed");
    expect(await findDirectAgent(pool, id)).toBeUndefined();
    expect(await declareDirectAgent(pool, again)).toBe("agentExists");
  });
});
