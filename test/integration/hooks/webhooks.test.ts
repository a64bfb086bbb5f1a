/** Webhooks from the operator API to a real endpoint: who gets what, in which order, and what a bad endpoint costs. */
import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { listEvents } from "../../../src/db/index.ts";
import { webhooksMax, webhookWorkflowId } from "../../../src/workflows/webhook-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { Endpoint, useEndpoints, withoutRepeats } from "./endpoint.ts";
import { appendEvents, appendFromMany } from "./events-of-tests.ts";
import { useWebhookRig, type WebhookJson } from "./webhook-rig.ts";

const rig = useWebhookRig();
const startEndpoint = useEndpoints();
const longWait = { timeoutMs: 90_000 };

afterEach(async () => {
  const { body } = await rig.call("GET", "webhooks");
  for (const { id } of body["webhooks"] as WebhookJson[])
    await rig.call("DELETE", `webhooks/${id}`);
});

/** Numbers of an agent's events as an endpoint that drops repeats has them. */
function numbersOf(endpoint: Endpoint, agentId: string): readonly number[] {
  return withoutRepeats(endpoint.accepted)
    .filter((event) => event.agentId === agentId)
    .map(({ no }) => no);
}
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const someAgent = (name: string) => `${name}-${randomUUID()}`;

describe("a webhook", () => {
  it("added - gets news, signed; its secret is given once and is in no list and no log", async () => {
    const [early, late] = [someAgent("early"), someAgent("late")];
    await appendEvents(rig.database.pool, early, [1, 2]);
    await waitUntil("the old events are in the stream", async () => {
      const filter = { afterId: 0, limit: 10, agentId: early };
      return (await listEvents(rig.database.pool, filter)).length === 2;
    });
    const endpoint = await startEndpoint();
    const { id, secret = "", state } = await rig.add(endpoint);
    expect(state).toBe("delivering");
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await appendEvents(rig.database.pool, late, [1, 2, 3]);
    await waitUntil("the news are here", () => numbersOf(endpoint, late).length === 3);
    expect(numbersOf(endpoint, late)).toEqual([1, 2, 3]);
    expect(numbersOf(endpoint, early)).toEqual([]);
    expect(endpoint.deliveries.every(({ verified }) => verified)).toBe(true);
    await waitUntil("the cursor has moved", async () => {
      const last = endpoint.accepted.at(-1)?.id;
      return (await rig.find(id))?.cursorId === last;
    });
    const { body } = await rig.call("GET", "webhooks");
    const told = JSON.stringify([body, rig.lines()]);
    expect(told).toContain(id);
    expect(told).not.toContain(secret);
    expect(told).not.toContain(secret.slice("whsec_".length, 30));
  });

  it("from the start, of some types - gets those alone, and the others are passed over", async () => {
    const [agentId, other] = [someAgent("typed"), someAgent("other")];
    await appendEvents(rig.database.pool, agentId, [1], "status");
    await appendEvents(rig.database.pool, agentId, [2], "investigation");
    await appendEvents(rig.database.pool, agentId, [3], "verdict");
    const endpoint = await startEndpoint();
    const own = `whsec_${randomBytes(24).toString("base64")}`;
    const { id, secret } = await rig.add(endpoint, {
      ...{ types: ["status", "verdict"], fromStart: true, secret: own },
    });
    expect(secret).toBe(own);
    await waitUntil("both are here", () => numbersOf(endpoint, agentId).length === 2);
    const before = (await rig.find(id))?.cursorId ?? 0;
    await appendEvents(rig.database.pool, other, [1, 2], "pingTimeoutAsked");
    await waitUntil("the unwanted are passed over", async () => {
      return ((await rig.find(id))?.cursorId ?? 0) > before;
    });
    expect(numbersOf(endpoint, agentId)).toEqual([1, 3]);
    expect(numbersOf(endpoint, other)).toEqual([]);
    expect(endpoint.deliveries.every(({ verified }) => verified)).toBe(true);
  });

  it("a flapping endpoint, many writers - every event arrives, each agent's in order, repeats under one id", async () => {
    const endpoint = await startEndpoint();
    const agentIds = upTo(6).map((n) => someAgent(`flap-${n}`));
    // Every first try of a batch goes wrong in one way or another.
    const tried = new Set<string>();
    const ways = [
      () => 500,
      () => 429,
      // Accepted, and the answer is lost.
      (_status: number, cut: () => void) => {
        cut();
        return undefined;
      },
    ];
    endpoint.behave = (delivery, response) => {
      if (tried.has(delivery.messageId)) return 200;
      tried.add(delivery.messageId);
      const way = ways[tried.size % ways.length];
      if (tried.size > 6 || way === undefined) return 200;
      return way(0, () => response.socket?.destroy());
    };
    await rig.add(endpoint);
    await appendFromMany(rig.database.pool, agentIds, 60);
    await waitUntil(
      "all are here",
      () => agentIds.every((agentId) => numbersOf(endpoint, agentId).length === 60),
      longWait,
    );
    for (const agentId of agentIds) expect(numbersOf(endpoint, agentId)).toEqual(upTo(60));
    const bodies = new Map(endpoint.deliveries.map(({ messageId, body }) => [messageId, body]));
    for (const { messageId, body } of endpoint.deliveries) {
      expect(bodies.get(messageId)).toBe(body);
    }
    expect(endpoint.deliveries.length).toBeGreaterThan(bodies.size);
    expect(endpoint.deliveries.every(({ events }) => events.length <= 100)).toBe(true);
  });

  it("an endpoint that says 410 - is paused with the reason, can be tested, and goes on when resumed", async () => {
    const endpoint = await startEndpoint();
    const agentId = someAgent("gone");
    endpoint.behave = () => 410;
    const { id } = await rig.add(endpoint);
    await appendEvents(rig.database.pool, agentId, [1, 2]);
    const paused = await waitUntil("it is paused", async () => {
      const webhook = await rig.find(id);
      return webhook?.state === "paused" && webhook;
    });
    expect(paused.lastError).toContain("410");
    const refused = await rig.call("POST", `webhooks/${id}/test`);
    expect(refused.body).toMatchObject({ accepted: false, status: 410 });
    endpoint.behave = () => 200;
    const accepted = await rig.call("POST", `webhooks/${id}/test`);
    expect(accepted.body).toMatchObject({ accepted: true, status: 200 });
    const test = endpoint.deliveries.at(-1);
    expect(test).toMatchObject({ verified: true, events: [{ id: 0, type: "test" }] });
    expect(numbersOf(endpoint, agentId)).toEqual([]);
    expect((await rig.call("POST", `webhooks/${id}/resume`)).body).toMatchObject({
      state: "delivering",
    });
    await waitUntil("the events are here", () => numbersOf(endpoint, agentId).length === 2);
    await waitUntil("it fares well again", async () => {
      const webhook = await rig.find(id);
      return webhook?.state === "delivering" && webhook.lastError === null;
    });
  });

  it("an endpoint that hangs, and one that is not there - hold up nobody else", async () => {
    const [hanging, good] = [await startEndpoint(), await startEndpoint()];
    hanging.behave = () => undefined;
    const agentId = someAgent("busy");
    const gone = await Endpoint.start();
    const dead = await rig.call("POST", "webhooks", { url: gone.url });
    await gone.stop();
    await rig.add(hanging);
    await rig.add(good);
    for (const no of upTo(20)) {
      await appendEvents(rig.database.pool, agentId, [no]);
      await waitUntil("it is here", () => numbersOf(good, agentId).length === no);
    }
    expect(hanging.deliveries.length).toBeGreaterThan(0);
    const failing = await rig.find(String(dead.body["id"]));
    expect(failing).toMatchObject({ state: "failing" });
    expect(failing?.lastError).toContain("ECONNREFUSED");
  });

  it("redirects and long answers - are neither followed nor read", async () => {
    const endpoint = await startEndpoint();
    const agentId = someAgent("redirected");
    let redirects = 0;
    endpoint.behave = (_delivery, response) => {
      if (redirects++ > 0) {
        // For ever: the status has been said.
        response.writeHead(200).write("x".repeat(5_000));
        _delivery.status = 200;
        return undefined;
      }
      response.writeHead(307, { location: endpoint.url.replace("/events", "/elsewhere") }).end();
      return undefined;
    };
    await rig.add(endpoint);
    await appendEvents(rig.database.pool, agentId, [1]);
    await waitUntil("it is accepted", () => numbersOf(endpoint, agentId).length === 1);
    await appendEvents(rig.database.pool, agentId, [2]);
    await waitUntil("the next one too", () => numbersOf(endpoint, agentId).length === 2);
    expect(endpoint.deliveries.every(({ path }) => path === "/events")).toBe(true);
  });

  it("removed - its workflow ends, nothing is delivered any more, and nobody knows it", async () => {
    const endpoint = await startEndpoint();
    const other = await startEndpoint();
    const agentId = someAgent("removed");
    const { id } = await rig.add(endpoint);
    await rig.add(other);
    await appendEvents(rig.database.pool, agentId, [1]);
    await waitUntil("it works", () => numbersOf(endpoint, agentId).length === 1);
    expect((await rig.call("DELETE", `webhooks/${id}`)).body).toEqual({ id, removed: true });
    const handle = rig.temporal.client.workflow.getHandle(webhookWorkflowId(id));
    await waitUntil("its workflow has ended", async () => {
      return (await handle.describe()).status.name !== "RUNNING";
    });
    await appendEvents(rig.database.pool, agentId, [2]);
    await waitUntil("the other one got it", () => numbersOf(other, agentId).includes(2));
    expect(numbersOf(endpoint, agentId)).toEqual([1]);
    for (const [method, path] of [
      ["DELETE", `webhooks/${id}`],
      ["POST", `webhooks/${id}/test`],
      ["POST", `webhooks/${id}/resume`],
    ] as const) {
      const reply = await rig.call(method, path);
      expect(reply).toMatchObject({ status: 404, body: { code: "WEBHOOK_UNKNOWN" } });
    }
  });

  it("whose workflow was ended by hand - is delivered again when it is resumed", async () => {
    const endpoint = await startEndpoint();
    const agentId = someAgent("terminated");
    const { id } = await rig.add(endpoint);
    await rig.temporal.client.workflow.getHandle(webhookWorkflowId(id)).terminate("a test");
    await appendEvents(rig.database.pool, agentId, [1, 2]);
    expect((await rig.call("POST", `webhooks/${id}/resume`)).status).toBe(200);
    await waitUntil("they are here", () => numbersOf(endpoint, agentId).length === 2, longWait);
  });
});

describe("a webhook that can't be", () => {
  it.each([
    [{ url: "ftp://example.org/" }, "https://"],
    [{ url: "example.org" }, "https://"],
    [{ url: "https://user:password@example.org/" }, "user name"],
    [{ url: "https://example.org/", types: ["status", "weather"] }, "types"],
    [{ url: "https://example.org/", types: [] }, "types"],
    [{ url: "https://example.org/", secret: "short" }, "secret"],
    [{ url: "https://example.org/", colour: "red" }, "colour"],
    [{}, "url"],
  ])("%o - is refused, saying what to change", async (body, names) => {
    const reply = await rig.call("POST", "webhooks", body);
    expect(reply).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST" } });
    expect(reply.body["detail"]).toContain(names);
  });

  it("one too many - is refused", async () => {
    await rig.database.pool.query(
      `INSERT INTO webhooks (id, url, secret, cursor_id)
       SELECT 'filler-' || n, 'http://127.0.0.1:9/', 'whsec_none', 0 FROM generate_series(1, $1) n`,
      [webhooksMax],
    );
    const reply = await rig.call("POST", "webhooks", { url: "http://127.0.0.1:9/" });
    expect(reply).toMatchObject({ status: 409, body: { code: "TOO_MANY_WEBHOOKS" } });
    await rig.database.pool.query("DELETE FROM webhooks WHERE id LIKE 'filler-%'");
  });
});
