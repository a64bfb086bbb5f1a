/** The activity that delivers, with a real database and a real endpoint, and short times. */
import { randomBytes, randomUUID } from "node:crypto";
import { MockActivityEnvironment } from "@temporalio/testing";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createDeliverWebhook } from "../../../src/activities/hooks/deliver-webhook.ts";
import {
  addWebhook,
  findWebhook,
  findWebhookWithSecret,
  moveWebhookCursor,
  newestEventId,
  removeWebhook,
  resumeWebhook,
} from "../../../src/db/index.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { deliveryPolicy } from "../../../src/lifecycle/webhook-policy.ts";
import type { DeliveryRound, WebhookActivities } from "../../../src/workflows/activity-types.ts";
import { useDatabase } from "../../helpers/database.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useEndpoints, withoutRepeats, type Endpoint } from "./endpoint.ts";
import { appendEvents } from "./events-of-tests.ts";

const database = useDatabase();
const startEndpoint = useEndpoints();
const quick = {
  pollMs: 20,
  roundMs: 600_000,
  policy: { ...deliveryPolicy, firstRetryMs: 5, retryMsMax: 20, refusalsMax: 3 },
};

async function add(endpoint: Endpoint): Promise<string> {
  const id = `wh-${randomUUID().slice(0, 8)}`;
  endpoint.secret = `whsec_${randomBytes(32).toString("base64")}`;
  const cursorId = await newestEventId(database.pool);
  const { url, secret } = endpoint;
  await addWebhook(database.pool, { id, url, secret, types: null, cursorId });
  return id;
}

/** One round, as a worker runs it. */
function deliver(webhookId: string, pace = quick, payloadKeys = Keyring.empty) {
  const environment = new MockActivityEnvironment();
  const deps = { db: database.pool, log: pino({ level: "silent" }), payloadKeys };
  const round = environment.run<
    [{ webhookId: string }],
    DeliveryRound,
    WebhookActivities["deliverWebhook"]
  >(createDeliverWebhook(deps, pace), { webhookId });
  return {
    round,
    stop: async () => {
      environment.cancel();
      return await round;
    },
  };
}

describe("a webhook's secret", () => {
  const [k1, k2] = [newKeyEntry("k1"), newKeyEntry("k2")];
  const kept = async (id: string) => (await findWebhookWithSecret(database.pool, id))?.secret ?? "";

  /** Delivers one more event with these keys; true when it was signed with the endpoint's own secret. */
  async function deliversWith(keys: string, id: string, endpoint: Endpoint): Promise<boolean> {
    const no = endpoint.accepted.length + 1;
    await appendEvents(database.pool, id, [no]);
    const { stop } = deliver(id, quick, Keyring.parse(keys));
    await waitUntil("it is accepted", () => endpoint.accepted.length === no);
    await stop();
    return endpoint.deliveries.every(({ verified }) => verified);
  }

  it("kept in clear - is sealed at its next use, and again with each new key; deliveries never notice", async () => {
    const endpoint = await startEndpoint();
    const id = await add(endpoint);
    expect(await kept(id)).toBe(endpoint.secret);
    expect(await deliversWith(k1, id, endpoint)).toBe(true);
    const sealed = await kept(id);
    expect(sealed).toMatch(/^sealed:k1:[A-Za-z0-9+/=]+$/);
    expect(sealed).not.toContain(endpoint.secret.slice("whsec_".length, 20));
    expect(await deliversWith(`${k1},${k2}`, id, endpoint)).toBe(true);
    expect(await kept(id)).toBe(sealed);
    expect(await deliversWith(`${k2},${k1}`, id, endpoint)).toBe(true);
    expect(await kept(id)).toMatch(/^sealed:k2:/);
    expect(await deliversWith(k2, id, endpoint)).toBe(true);
  });

  it("sealed with a key that is not here - delivers nothing and says which key is missing", async () => {
    const endpoint = await startEndpoint();
    const id = await add(endpoint);
    await deliversWith(k1, id, endpoint);
    await appendEvents(database.pool, id, [2]);
    const message = /secret of webhook wh-\w+.*key k1.*MUSTER_PAYLOAD_KEY/;
    await expect(deliver(id, quick, Keyring.parse(k2)).round).rejects.toThrow(message);
    await expect(deliver(id).round).rejects.toThrow(message);
    expect(endpoint.accepted).toHaveLength(1);
    expect((await findWebhook(database.pool, id))?.pausedAt).toBeNull();
  });
});

describe("a round of deliveries", () => {
  it("refusals in a row - pause after so many; one that was accepted between makes them forgotten", async () => {
    const endpoint = await startEndpoint();
    const statuses = [404, 302, 200, 404, 500, 404, 403, 401];
    endpoint.behave = () => statuses.shift() ?? 200;
    const id = await add(endpoint);
    await appendEvents(database.pool, id, [1]);
    const { round } = deliver(id);
    await waitUntil("the first one is accepted", () => endpoint.accepted.length === 1);
    await appendEvents(database.pool, id, [2]);
    expect(await round).toMatchObject({ state: "paused" });
    expect(statuses).toEqual([]);
    const paused = await findWebhook(database.pool, id);
    expect(paused?.pausedAt).not.toBeNull();
    expect(paused?.lastError).toContain("401, 3 times in a row");
    expect(paused?.failures).toBe(5);
    expect(await deliver(id).round).toMatchObject({ state: "paused" });
    await resumeWebhook(database.pool, id);
    const again = deliver(id);
    await waitUntil("the second one is accepted", () => endpoint.accepted.length === 2);
    expect(await again.stop()).toEqual({ state: "goOn", delivered: 1 });
    expect(endpoint.accepted.map(({ no }) => no)).toEqual([1, 2]);
  });

  it("Retry-After - is waited for", async () => {
    const endpoint = await startEndpoint();
    const atMs: number[] = [];
    endpoint.behave = (delivery, response) => {
      atMs.push(performance.now());
      if (atMs.length > 1) return 200;
      delivery.status = 429;
      response.writeHead(429, { "retry-after": "1" }).end();
      return undefined;
    };
    const id = await add(endpoint);
    await appendEvents(database.pool, id, [1]);
    const { stop } = deliver(id);
    await waitUntil("it is accepted", () => endpoint.accepted.length === 1);
    // Without the header it would have been tried again within 20 ms.
    expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThan(900);
    await stop();
  });

  it("two at the same time - the receiver misses nothing and sees everything in order", async () => {
    const endpoint = await startEndpoint();
    const id = await add(endpoint);
    const rounds = [deliver(id), deliver(id), deliver(id)];
    const expected = Array.from({ length: 120 }, (_, i) => i + 1);
    for (const no of expected) await appendEvents(database.pool, id, [no]);
    const arrived = () =>
      withoutRepeats(endpoint.accepted)
        .filter(({ agentId }) => agentId === id)
        .map(({ no }) => no);
    await waitUntil("all are here", () => arrived().length === expected.length);
    expect(arrived()).toEqual(expected);
    await Promise.all(rounds.map((one) => one.stop()));
  });

  it("a webhook that is gone, or whose round is long enough - ends it", async () => {
    const endpoint = await startEndpoint();
    endpoint.behave = () => 500;
    const id = await add(endpoint);
    expect(await deliver(id, { ...quick, roundMs: 50 }).round).toEqual({
      ...{ state: "goOn", delivered: 0 },
    });
    await appendEvents(database.pool, id, [1]);
    const failing = deliver(id);
    await waitUntil("it is tried", () => endpoint.deliveries.length > 2);
    await removeWebhook(database.pool, id);
    expect(await failing.round).toEqual({ state: "removed" });
    expect(await deliver("wh-never-there").round).toEqual({ state: "removed" });
  });

  it("told to stop in the middle of a POST - brings it to its end and keeps the cursor", async () => {
    const endpoint = await startEndpoint();
    let answer = (): void => undefined;
    endpoint.behave = (delivery, response) => {
      answer = () => {
        delivery.status = 200;
        response.writeHead(200).end();
      };
      return undefined;
    };
    const id = await add(endpoint);
    await appendEvents(database.pool, id, [1, 2]);
    const { stop } = deliver(id);
    await waitUntil("a POST is open", () => endpoint.deliveries.length === 1);
    const stopped = stop();
    answer();
    expect(await stopped).toEqual({ state: "goOn", delivered: 2 });
    const last = endpoint.accepted.at(-1)?.id ?? 0;
    expect((await findWebhook(database.pool, id))?.cursorId).toBe(last);
    const moved = { from: last - 1, to: last + 5, delivered: true };
    expect(await moveWebhookCursor(database.pool, id, moved)).toBe(false);
  });
});
