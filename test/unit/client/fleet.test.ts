import { describe, expect, it } from "vitest";
import { CheckHealthCommand, StopVmCommand } from "../../../src/api/index.ts";
import type { FleetCall, FleetResult } from "../../../src/client/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { succeeding, useFakes, type FakeGateway, type SeenCall } from "./fake-gateway.ts";

const { startGateway, manager } = useFakes();
const health = new CheckHealthCommand();

interface Row {
  readonly id: string;
  readonly gatewayId: string | null;
}

/** Gateways `gw-0`, `gw-1`, … that list the agents, of which each holds its share. */
async function fleetOf(rows: readonly Row[], gateways = 2): Promise<readonly FakeGateway[]> {
  const all = await Promise.all(Array.from({ length: gateways }, () => startGateway()));
  const list = {
    gateways: all.map(({ url }, i) => ({ id: `gw-${i}`, apiUrl: url, state: "joined" })),
  };
  const agents = rows.map((row) => ({ status: "Up", statusReason: "connected", ...row }));
  for (const gateway of all) {
    gateway.http = (path, query) => {
      if (path === "gateways") return { body: list };
      if (path !== "agents") return undefined;
      const after = query.get("after") ?? "";
      const limit = Number(query.get("limit"));
      const page = agents.filter(({ id }) => id > after).slice(0, limit + 1);
      const next = page.length > limit ? page[limit - 1]?.id : null;
      return { body: { agents: page.slice(0, limit), next } };
    };
  }
  return all;
}
function rows(count: number): readonly Row[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `host-${String(i).padStart(5, "0")}`,
    gatewayId: `gw-${i % 2}`,
  }));
}
async function read(call: FleetCall<CheckHealthCommand>) {
  const results: FleetResult<CheckHealthCommand>[] = [];
  for await (const result of call) results.push(result);
  return results;
}

describe("askAll", () => {
  it("all agents of two gateways - each is asked once, straight where it is, over one socket", async () => {
    const [one, two] = (await fleetOf(rows(2_500))) as [FakeGateway, FakeGateway];
    const call = manager([one]).askAll({ all: true }, health);
    const results = await read(call);
    const ids = rows(2_500).map(({ id }) => id);
    expect(results.map(({ agentId }) => agentId).sort()).toEqual(ids);
    expect(results.every(({ answer }) => answer?.result)).toBe(true);
    const askedAt = (gateway: FakeGateway) => gateway.calls.map(({ agentId }) => agentId).sort();
    expect(askedAt(one)).toEqual(ids.filter((_, i) => i % 2 === 0));
    expect(askedAt(two)).toEqual(ids.filter((_, i) => i % 2 === 1));
    expect([one.connections, two.connections]).toEqual([1, 1]);
    expect(one.requests.filter((path) => path.includes("/agents"))).toHaveLength(3);
    const commandIds = [...one.calls, ...two.calls].map(({ commands }) => commands[0]?.id);
    expect(new Set(commandIds).size).toBe(2_500);
    const summary = await call.summary();
    expect(summary).toMatchObject({
      agents: 2_500,
      answered: 2_500,
      failed: 0,
      missing: [],
      isCutShort: false,
      latency: { count: 2_500 },
    });
    expect(call.counts).toMatchObject({ agents: 2_500, isListed: true, answered: 2_500 });
  });

  it("a gateway that only other gateways can reach - is tried once; they pass the calls on", async () => {
    const [one, two] = (await fleetOf(rows(20))) as [FakeGateway, FakeGateway];
    await two.stop();
    const dials: string[] = [];
    const muster = manager([one], {
      onStateChange: (_from, to, why) => {
        if (to === "connecting") dials.push(why);
      },
    });
    const call = muster.askAll({ all: true }, health, { concurrency: 1 });
    expect(await call.summary()).toMatchObject({ agents: 20, answered: 20 });
    expect(one.calls).toHaveLength(20);
    expect(dials).toHaveLength(2);
  });

  it("a selector - becomes the filter of the list", async () => {
    const [gateway] = (await fleetOf(rows(2), 1)) as [FakeGateway];
    const selector = {
      zone: "z 1",
      cluster: "c",
      type: "kvm",
      status: "Up",
      gateway: "gw-0",
    } as const;
    await manager([gateway]).askAll(selector, health).summary();
    expect(gateway.requests.at(-1)).toBe(
      "/api/v1/agents?zone=z+1&cluster=c&resourceType=kvm&status=Up&gatewayId=gw-0&limit=1000",
    );
    expect(() => manager([gateway]).askAll({}, health)).toThrow(TypeError);
    expect(() => manager([gateway]).askAll({ all: true }, health, { concurrency: 0 })).toThrow(
      TypeError,
    );
  });

  it("ids - are called without a list, each once", async () => {
    const gateway = await startGateway();
    const results = await read(manager([gateway]).askAll(["b", "a", "b"], health));
    expect(results.map(({ agentId }) => agentId).sort()).toEqual(["a", "b"]);
    expect(gateway.requests.filter((path) => path.includes("agents"))).toEqual([]);
    expect(await manager([gateway]).askAll([], health).summary()).toMatchObject({ agents: 0 });
  });

  it("agents without an Answer - are missing, with the reason; failures are not", async () => {
    const [one, two] = (await fleetOf([
      { id: "a-well", gatewayId: "gw-0" },
      { id: "b-failing", gatewayId: "gw-0" },
      { id: "c-silent", gatewayId: "gw-1" },
      { id: "d-refused", gatewayId: "gw-1" },
      { id: "e-away", gatewayId: null },
    ])) as [FakeGateway, FakeGateway];
    const answer = (call: SeenCall, more: object) => ({
      answers: [{ ...succeeding(call)[0], result: false, ...more }],
    });
    one.script = (call) =>
      call.agentId === "a-well"
        ? { answers: succeeding(call) }
        : answer(call, { errorCode: "SICK" });
    two.script = (call) =>
      call.agentId === "d-refused"
        ? { problem: { code: "AGENT_BUSY", detail: "4096 are open" } }
        : answer(call, {
            type: "ErrorAnswer",
            outcome: "unknown",
            errorCode: "WAIT_OVER",
            details: "The agent did not answer.",
          });
    const call = manager([one, two]).askAll({ all: true }, health);
    const results = await read(call);
    expect(results).toHaveLength(5);
    expect(results.find(({ agentId }) => agentId === "d-refused")?.error?.code).toBe("AGENT_BUSY");
    const { missing, ...summary } = await call.summary();
    expect(summary).toMatchObject({ agents: 5, answered: 2, failed: 1, latency: { count: 2 } });
    expect([...missing].sort((a, b) => a.agentId.localeCompare(b.agentId))).toEqual([
      {
        agentId: "c-silent",
        outcome: "unknown",
        code: "WAIT_OVER",
        reason: "The agent did not answer.",
      },
      { agentId: "d-refused", outcome: "notSent", code: "AGENT_BUSY", reason: "4096 are open" },
      {
        agentId: "e-away",
        outcome: "notSent",
        code: "AGENT_NOT_CONNECTED",
        reason: "Agent e-away is Up: connected.",
      },
    ]);
  });

  it("concurrency - never more calls are open", async () => {
    const [gateway] = (await fleetOf(
      rows(20).map((row) => ({ ...row, gatewayId: "gw-0" })),
      1,
    )) as [FakeGateway];
    gateway.script = () => undefined;
    const call = manager([gateway]).askAll({ all: true }, health, { concurrency: 3 });
    const reading = read(call);
    for (let done = 0; done < 20; done += 1) {
      const seen = await gateway.call("ask", done);
      expect(gateway.calls.length - done).toBeLessThanOrEqual(3);
      gateway.reply(seen, { answers: succeeding(seen) });
    }
    expect(await reading).toHaveLength(20);
  });

  it("a Command for each agent - is made by the caller; where that throws the agent is missing", async () => {
    const gateway = await startGateway();
    const call = manager([gateway]).sendAll(["a", "b"], (agentId) => {
      if (agentId === "b") throw new Error("nothing is to stop there");
      return new StopVmCommand({ vm: `vm-of-${agentId}` });
    });
    expect(await call.summary()).toMatchObject({
      answered: 1,
      missing: [{ agentId: "b", code: "NO_COMMAND", outcome: "notSent" }],
    });
    expect(gateway.calls.map(({ commands }) => commands[0]?.["vm"])).toEqual(["vm-of-a"]);
  });

  it("onError stop - begins no more calls, and says which agents were spared", async () => {
    const gateway = await startGateway();
    gateway.script = (call) => ({ answers: [{ ...succeeding(call)[0], result: false }] });
    const ids = rows(10).map(({ id }) => id);
    const options = { concurrency: 1, onError: "stop" } as const;
    const call = manager([gateway]).sendAll(ids, health, options);
    expect(await read(call)).toHaveLength(10);
    const summary = await call.summary();
    expect(summary).toMatchObject({ agents: 10, answered: 1, failed: 1, isCutShort: true });
    expect(summary.missing.every(({ code }) => code === "STOPPED")).toBe(true);
    expect(gateway.calls).toHaveLength(1);
  });
});

describe("askAll that is aborted", () => {
  it("in the middle - keeps what there is; what is open is cancelled, what is left is not begun", async () => {
    const gateway = await startGateway();
    gateway.script = (call) =>
      call.method === "ask" && call.agentId < "host-00004"
        ? { answers: succeeding(call) }
        : undefined;
    const abort = new AbortController();
    const ids = rows(10).map(({ id }) => id);
    const { signal } = abort;
    const call = manager([gateway]).askAll(ids, health, { signal, concurrency: 3 });
    const reading = read(call);
    await waitUntil("three are open", () => gateway.calls.length === 7);
    abort.abort(new Error("Ctrl-C"));
    const results = await reading;
    expect(results).toHaveLength(10);
    const summary = await call.summary();
    expect(summary).toMatchObject({ agents: 10, answered: 4, isCutShort: true });
    const outcomes = summary.missing.map(({ code, outcome }) => `${code} ${outcome}`);
    expect(outcomes.filter((one) => one === "ABORTED unknown")).toHaveLength(3);
    expect(outcomes.filter((one) => one === "ABORTED notSent")).toHaveLength(3);
    await waitUntil("they are cancelled", () => gateway.callsOf("cancel").length === 3);
  });

  it("while the agents are listed - ends without an error", async () => {
    const [gateway] = (await fleetOf(rows(10), 1)) as [FakeGateway];
    const abort = new AbortController();
    gateway.http = () => {
      abort.abort();
      return { body: { gateways: [] } };
    };
    const call = manager([gateway]).askAll({ all: true }, health, { signal: abort.signal });
    expect(await read(call)).toEqual([]);
    expect(await call.summary()).toMatchObject({ agents: 0, isCutShort: true });
  });

  it("before it began - calls nobody", async () => {
    const gateway = await startGateway();
    const signal = AbortSignal.abort();
    const call = manager([gateway]).askAll(["a"], health, { signal });
    expect(await call.summary()).toMatchObject({ answered: 0, isCutShort: true });
    expect(gateway.connections).toBe(0);
  });
});

describe("lists of agents", () => {
  it("a gateway that is gone - the next one goes on with the list", async () => {
    const [one, two] = (await fleetOf(rows(1_500))) as [FakeGateway, FakeGateway];
    const list = one.http;
    one.http = (path, query) =>
      query.has("after") ? { status: 503, body: { detail: "stopping" } } : list(path, query);
    const summary = await manager([one, two]).askAll({ all: true }, health).summary();
    expect(summary).toMatchObject({ agents: 1_500, answered: 1_500 });
  });

  it("a list that is refused - fails iteration and summary, and nothing is silently left out", async () => {
    const gateway = await startGateway();
    gateway.http = (path) =>
      path === "gateways"
        ? { body: { gateways: [] } }
        : { status: 400, body: { code: "INVALID_REQUEST", detail: "no such status" } };
    const call = manager([gateway]).askAll({ all: true }, health);
    await expect(read(call)).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    await expect(call.summary()).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });

  it("a wrong token - fails at once", async () => {
    const gateway = await startGateway();
    const call = manager([gateway], { token: "wrong" }).askAll({ all: true }, health);
    await expect(call.summary()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("close - ends a list that is being read", async () => {
    const gateway = await startGateway();
    await gateway.stop();
    const muster = manager([gateway]);
    const call = muster.askAll({ all: true }, health);
    const closed = expect(call.summary()).rejects.toMatchObject({ code: "CLOSED" });
    await muster.close();
    await closed;
  });
});

describe("sendAll", () => {
  it("each agent - gets a Request of its own, with one Answer over lost connections", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = () => undefined;
    const ids = rows(5).map(({ id }) => id);
    const call = manager([one, two]).sendAll(ids, new StopVmCommand({ vm: "a" }));
    await waitUntil("all are sent", () => one.calls.length === 5);
    one.cut();
    expect(await call.summary()).toMatchObject({ answered: 5, missing: [] });
    const requests = (gateway: FakeGateway) => gateway.calls.map(({ requestId }) => requestId);
    expect(new Set(requests(one)).size).toBe(5);
    expect(requests(two).sort()).toEqual(requests(one).sort());
  });

  it("Requests - are called as the caller says, so that asking again is the same asking", async () => {
    const gateway = await startGateway();
    const requestIdOf = (agentId: string) => `nightly/${agentId}`;
    const call = manager([gateway]).sendAll(["a", "b"], health, { requestIdOf });
    await call.summary();
    const ids = gateway.calls.map(({ requestId }) => requestId);
    expect(ids.sort()).toEqual(["nightly/a", "nightly/b"]);
  });
});
