import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  closeSession,
  closeSessionsOfGateway,
  findIdentity,
  findRoute,
  listAgentsOfGateway,
  registerIdentity,
  takeEpoch,
  upsertGateway,
  writeAgentRecord,
} from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();
const place = { zone: "z1", cluster: "c1", resourceType: "simulator" };

async function register(host: unknown = {}): Promise<string> {
  const id = `agent-${randomUUID()}`;
  const secretHash = Buffer.alloc(32, 7);
  const made = await registerIdentity(database.pool, { id, secretHash, ...place, host });
  expect(made).toBe(true);
  return id;
}

function take(agentId: string, gatewayId = "g1", incarnation = "i1"): Promise<number | undefined> {
  return takeEpoch(database.pool, { agentId, gatewayId, incarnation, ...place, host: {} });
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

describe("identity", () => {
  it("registers an id once, whoever comes first", async () => {
    const id = `agent-${randomUUID()}`;
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        registerIdentity(database.pool, {
          id,
          secretHash: Buffer.alloc(32, i),
          ...place,
          host: {},
        }),
      ),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    const winner = made.indexOf(true);
    expect((await findIdentity(database.pool, id))?.secretHash).toEqual(Buffer.alloc(32, winner));
  });

  it("gives back what the handshake needs, undefined for an unknown id", async () => {
    const id = await register();
    expect(await findIdentity(database.pool, id)).toEqual({
      secretHash: Buffer.alloc(32, 7),
      removed: false,
      ...place,
      pingIntervalMs: null,
      pingTimeoutMultiplier: null,
      directSecretHash: null,
    });
    expect(await findIdentity(database.pool, "nobody")).toBeUndefined();
    await remove(id);
    expect((await findIdentity(database.pool, id))?.removed).toBe(true);
  });

  it("keeps a host description with a NUL and half a surrogate pair in it", async () => {
    const id = await register({ name: "a\0b", "k\0": ["\ud800"] });
    const { rows } = await database.pool.query<{ host: unknown }>(
      "SELECT host FROM agents WHERE id = $1",
      [id],
    );
    expect(rows[0]?.host).toEqual({ name: "a\u{FFFD}b", "k\u{FFFD}": ["\u{FFFD}"] });
  });
});

describe("session epoch", () => {
  it("strictly rises under concurrent connects, none taken twice", async () => {
    const id = await register();
    const epochs = await Promise.all(Array.from({ length: 40 }, (_, i) => take(id, `g${i % 3}`)));
    expect(epochs.toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
  });

  it("is not given to unknown or removed agents", async () => {
    expect(await take("nobody")).toBeUndefined();
    const id = await register();
    await remove(id);
    expect(await take(id)).toBeUndefined();
    expect(await findRoute(database.pool, id)).toBeUndefined();
  });

  it("stays open when a late close names an older epoch", async () => {
    const id = await register();
    const first = await take(id, "g1");
    const second = await take(id, "g2");
    await closeSession(database.pool, id, first ?? 0);
    expect(await findRoute(database.pool, id)).toMatchObject({ gatewayId: "g2", epoch: second });
    await closeSession(database.pool, id, second ?? 0);
    expect(await findRoute(database.pool, id)).toBeUndefined();
  });

  it("routes to the gateway's API while that run of it is known", async () => {
    const id = await register();
    const gatewayId = `g-${randomUUID()}`;
    await take(id, gatewayId, "i1");
    expect(await findRoute(database.pool, id)).toMatchObject({ gatewayId, apiUrl: null });
    await upsertGateway(database.pool, gateway(gatewayId, "i1"));
    expect((await findRoute(database.pool, id))?.apiUrl).toBe("http://g:8251");
    await upsertGateway(database.pool, gateway(gatewayId, "i2"));
    expect((await findRoute(database.pool, id))?.apiUrl).toBeNull();
  });
});

describe("agents of a gateway", () => {
  it("are listed page by page, of that run alone, and closed together", async () => {
    const gatewayId = `g-${randomUUID()}`;
    const ids = (await Promise.all(Array.from({ length: 5 }, () => register()))).toSorted();
    for (const id of ids) await take(id, gatewayId, "i1");
    await take(await register(), gatewayId, "i2");
    const { pool } = database;
    const page = await listAgentsOfGateway(pool, gatewayId, "i1", "", 3);
    const rest = await listAgentsOfGateway(pool, gatewayId, "i1", page.at(-1) ?? "", 3);
    expect([...page, ...rest]).toEqual(ids);

    await take(ids[0] ?? "", "elsewhere", "i9");
    await closeSessionsOfGateway(pool, gatewayId, "i1");
    expect(await listAgentsOfGateway(pool, gatewayId, "i1", "", 10)).toEqual([]);
    expect(await listAgentsOfGateway(pool, gatewayId, "i2", "", 10)).toHaveLength(1);
    expect((await findRoute(pool, ids[0] ?? ""))?.gatewayId).toBe("elsewhere");
  });
});

function gateway(id: string, incarnation: string) {
  return { id, incarnation, version: "1", agentUrl: "ws://g:8250/agent", apiUrl: "http://g:8251" };
}
