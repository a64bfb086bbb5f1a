import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { listEvents, writeAgentRecord, type EventToAppend } from "../../../src/db/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { apiToken, callApi, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { connect, startGateway } = rig;

interface StreamEvent {
  readonly id: number;
  readonly event: string;
  readonly data: { readonly id: number; readonly agentId: string; readonly text: string };
}

/** A reader of the event stream. */
class Reader {
  readonly events: StreamEvent[] = [];
  status = 0;
  ended = false;
  readonly #abort = new AbortController();

  constructor(query = "", lastEventId?: number, apiUrl = rig.gateway.apiUrl) {
    void this.#read(`${apiUrl}/api/v1/events${query}`, lastEventId).finally(() => {
      this.ended = true;
    });
  }

  close(): void {
    this.#abort.abort();
  }

  texts(): readonly string[] {
    return this.events.map(({ data }) => data.text);
  }

  async #read(url: string, lastEventId: number | undefined): Promise<void> {
    const headers: Record<string, string> = { authorization: `Bearer ${apiToken}` };
    if (lastEventId !== undefined) headers["last-event-id"] = String(lastEventId);
    try {
      const response = await fetch(url, { headers, signal: this.#abort.signal });
      this.status = response.status;
      let text = "";
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString("utf8");
        const parts = text.split("\n\n");
        text = parts.pop() ?? "";
        for (const part of parts) this.#onPart(part);
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  #onPart(part: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1];
    const [id, event, data] = [field("id"), field("event"), field("data")];
    if (id === undefined || event === undefined || data === undefined) return;
    this.events.push({ id: Number(id), event, data: JSON.parse(data) as StreamEvent["data"] });
  }
}

const readers: Reader[] = [];
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});
async function read(query = "", lastEventId?: number, apiUrl?: string): Promise<Reader> {
  const reader = new Reader(query, lastEventId, apiUrl);
  readers.push(reader);
  await waitUntil("the stream is open", () => reader.status);
  return reader;
}

/** Events that a test writes itself stand far above those of the agent's lifecycle. */
let no = 1_000_000;
async function write(agentId: string, ...texts: string[]): Promise<void> {
  const events = texts.map((text): EventToAppend => ({
    no: no++,
    atMs: Date.now(),
    epoch: 1,
    type: "status",
    text,
  }));
  await writeAgentRecord(rig.database.pool, {
    agentId,
    status: "Up",
    statusReason: "a test",
    statusSinceMs: Date.now(),
    resourceState: "Enabled",
    events,
  });
}

/** Where the stream is when nothing of what was written before is held back any more. */
async function newestSettled(): Promise<{ readonly id: number }> {
  const agentId = `mark-${randomUUID()}`;
  await write(agentId, "here");
  return await waitUntil("the mark is in the stream", async () => {
    const filter = { afterId: 0, limit: 1, agentId };
    return (await listEvents(rig.database.pool, filter))[0];
  });
}

function count(reader: Reader, agentIds: readonly string[]): number {
  return reader.events.filter(({ data }) => agentIds.includes(data.agentId)).length;
}

describe("GET events", () => {
  it("news - come to all readers, in order, each once; older events don't", async () => {
    const { agentId } = await connect();
    await write(agentId, "old");
    const [one, other] = [await read(), await read()];
    // The stream may begin a moment after its headers: what counts is that nothing is missed from the first on.
    await waitUntil("the readers are there", async () => {
      await write(agentId, "ping");
      return one.events.length > 0 && other.events.length > 0;
    });
    const expected = Array.from({ length: 50 }, (_, i) => `news ${i}`);
    for (const text of expected) await write(agentId, text);
    for (const reader of [one, other]) {
      await waitUntil("the last one is here", () => reader.texts().includes("news 49"));
      expect(reader.texts()).not.toContain("old");
      expect(reader.texts().filter((text) => text.startsWith("news"))).toEqual(expected);
    }
    expect(one.events.at(-1)).toMatchObject({ event: "status", data: { agentId } });
    expect(one.events.at(-1)?.id).toBe(one.events.at(-1)?.data.id);
  });

  it("Last-Event-ID - goes on after that event, missing none, doubling none, over many batches", async () => {
    const { agentId } = await connect();
    const expected = Array.from({ length: 1_200 }, (_, i) => `resumed ${i}`);
    const first = await read("?after=0");
    await write(agentId, ...expected);
    await waitUntil("some are here", () => first.texts().includes("resumed 100"));
    // However far the first reader came: the second goes on from the middle.
    const seen = first.events.slice(0, first.texts().indexOf("resumed 100") + 1);
    first.close();
    const second = await read("", seen.at(-1)?.id);
    await waitUntil("the rest is here", () => second.texts().includes("resumed 1199"));
    await write(agentId, "the end");
    await waitUntil("news too", () => second.texts().includes("the end"));
    const all = [...seen, ...second.events].map(({ data }) => data.text);
    expect(all.filter((text) => text.startsWith("resumed"))).toEqual(expected);
    expect(all.filter((text) => text === "the end")).toHaveLength(1);
  });

  it("one agent's - are told without the others'", async () => {
    const [one, other] = [await connect(), await connect()];
    await write(one.agentId, "early one");
    await write(other.agentId, "early other");
    const reader = await read(`?agentId=${one.agentId}&after=0`);
    await waitUntil("the early one is here", () => reader.texts().includes("early one"));
    await write(other.agentId, "late other");
    await write(one.agentId, "late one");
    await waitUntil("the late one is here", () => reader.texts().includes("late one"));
    expect(new Set(reader.events.map(({ data }) => data.agentId))).toEqual(new Set([one.agentId]));
    expect(reader.texts().filter((text) => text === "early one")).toHaveLength(1);
  });

  it("types - only those that are asked for come, and a type that is none is refused", async () => {
    const { agentId } = await connect();
    const reader = await read(`?agentId=${agentId}&after=0&types=verdict,%20resourceState`);
    const all = await read(`?agentId=${agentId}&after=0`);
    await rig.call("POST", `agents/${agentId}/disable`);
    await write(agentId, "not wanted");
    await rig.call("POST", `agents/${agentId}/enable`);
    await waitUntil("the last one is here", () =>
      reader.texts().some((text) => text.startsWith("Disabled → Enabled")),
    );
    await waitUntil("others came too", () => all.texts().includes("not wanted"));
    expect(new Set(reader.events.map(({ event }) => event))).toEqual(new Set(["resourceState"]));
    const refused = await callApi(rig.gateway.apiUrl, "GET", "events?types=status,weather");
    expect(refused).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST" } });
    expect(refused.body["detail"]).toContain("weather");
  });

  it("a reader that goes from gateway to gateway while many write - has all, each agent's in order", async () => {
    const gateways = await Promise.all([startGateway(), startGateway()]);
    const agentIds = Array.from({ length: 5 }, (_, i) => `${"abcde".charAt(i)}-${randomUUID()}`);
    const each = Array.from({ length: 30 }, (_, i) => i + 1);
    const begin = (await newestSettled()).id;
    const seen: StreamEvent[] = [];
    const own = () => seen.filter(({ data }) => agentIds.includes(data.agentId));
    // Each reader is cut off wherever it is while all agents' events are being written; the next one goes on elsewhere.
    for (const [turn, part] of [each.slice(0, 10), each.slice(10, 20), each.slice(20)].entries()) {
      const gateway = gateways[turn % gateways.length];
      const reader = await read("", seen.at(-1)?.id ?? begin, gateway?.apiUrl);
      const written = Promise.all(
        agentIds.map(async (agentId) => {
          for (const n of part) await write(agentId, `${n}`);
        }),
      );
      await waitUntil("some are here", () => count(reader, agentIds) > 0);
      reader.close();
      seen.push(...reader.events);
      await written;
    }
    const last = await read("", seen.at(-1)?.id);
    const missing = agentIds.length * each.length - own().length;
    await waitUntil("the rest is here", () => count(last, agentIds) >= missing);
    seen.push(...last.events);
    for (const agentId of agentIds) {
      const texts = own().flatMap(({ data }) => (data.agentId === agentId ? [data.text] : []));
      expect(texts).toEqual(each.map(String));
    }
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  });

  it("a gateway that is started again - readers go on where they were, missing none, doubling none", async () => {
    const { agentId } = await connect();
    const first = await startGateway();
    const before = await read(`?agentId=${agentId}&after=0`, undefined, first.apiUrl);
    await write(agentId, "before");
    await waitUntil("it is here", () => before.texts().includes("before"));
    await first.stop();
    await waitUntil("the stream has ended", () => before.ended);
    await write(agentId, "between 1", "between 2");
    const second = await startGateway({
      MUSTER_GATEWAY_ID: first.gatewayId,
      MUSTER_API_PORT: new URL(first.apiUrl).port,
    });
    const after = await read(`?agentId=${agentId}`, before.events.at(-1)?.id, second.apiUrl);
    await write(agentId, "after");
    await waitUntil("all are here", () => after.texts().includes("after"));
    expect(after.texts()).toEqual(["between 1", "between 2", "after"]);
  });

  it("a Last-Event-ID that is none - is refused", async () => {
    for (const id of ["x", "-1", "1.5"]) {
      const response = await fetch(`${rig.gateway.apiUrl}/api/v1/events`, {
        headers: { authorization: `Bearer ${apiToken}`, "last-event-id": id },
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "INVALID_REQUEST" });
    }
  });

  it("a gateway that stops - ends its streams, and does not wait for them", async () => {
    const gateway = await startGateway();
    const reader = await read("", undefined, gateway.apiUrl);
    await gateway.stop();
    await waitUntil("the stream has ended", () => reader.ended);
    await expect(callApi(gateway.apiUrl, "GET", "agents")).rejects.toThrow();
  });
});
