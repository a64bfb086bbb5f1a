/** What `muster/client` promises, with real gateways, lifecycles and agents' sockets. */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import {
  CheckHealthCommand,
  ListVmsCommand,
  StartVmCommand,
  StopVmCommand,
} from "../../../src/api/index.ts";
import { AgentManager, type AgentManagerOptions } from "../../../src/client/index.ts";
import { startTcpProxy } from "../../helpers/tcp-proxy.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand, type Seen, type TestAgent } from "../gateway/test-agent.ts";
import { answering, apiToken, useOperatorRig } from "../operator/operator-rig.ts";

const rig = useOperatorRig();
const { connect, startGateway } = rig;
const closes: (() => Promise<void>)[] = [];
const stopVm = new StopVmCommand({ vm: "a" });
const batch = [stopVm, new StartVmCommand({ vm: "b" }), new ListVmsCommand()] as const;

afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});
function manager(options: Partial<AgentManagerOptions> = {}): AgentManager {
  const made = new AgentManager({ url: rig.gateway.apiUrl, token: apiToken, ...options });
  closes.push(() => made.close());
  return made;
}
async function requestOf(agent: TestAgent, type = "StopVm"): Promise<Seen> {
  return await agent.next(`the Request ${type}`, (frame) => isCommand(frame, type));
}
const early = { type: "Early", result: true };
const succeeded = (request: Seen) =>
  request.commands?.map(({ type }) => ({ type: `${type}Answer`, result: true })) ?? [];

describe("batches", () => {
  it("progress - each Answer once, as it comes, over a lost connection; all of them at the end", async () => {
    const agent = await connect();
    const { hostname, port } = new URL(rig.gateway.apiUrl);
    const link = await startTcpProxy(Number(port), hostname);
    closes.push(() => link.close());
    const call = manager({ url: `http://127.0.0.1:${link.port}` }).sendBatch(agent.agentId, batch);
    const indexes: number[] = [];
    const reading = (async () => {
      for await (const { index } of call) indexes.push(index);
    })();
    const request = await requestOf(agent);
    agent.progress(request, 1, early);
    await waitUntil("the first is here", () => indexes.length === 1);
    link.cut();
    await waitUntil("it is connected again", () => link.connections() === 1);
    agent.progress(request, 0, early);
    agent.respond(request, succeeded(request));
    await reading;
    expect(indexes[0]).toBe(1);
    expect([...indexes].sort()).toEqual([0, 1, 2]);
    expect((await call).map(({ type }) => type)).toEqual([
      "StopVmAnswer",
      "StartVmAnswer",
      "ListVmsAnswer",
    ]);
  });

  it("progress on the direct lane - comes before the end", async () => {
    const agent = await connect();
    const list = new ListVmsCommand();
    const call = manager().askBatch(agent.agentId, [list, new CheckHealthCommand()]);
    const first = call[Symbol.asyncIterator]().next();
    const request = await requestOf(agent, "ListVms");
    agent.progress(request, 1, early);
    expect((await first).value).toMatchObject({ index: 1, answer: { type: "Early" } });
    agent.respond(request, succeeded(request));
    expect(await call).toHaveLength(2);
  });
});

describe("Requests", () => {
  it("submit - another process finds the Request at another gateway, and waits for its Answer", async () => {
    const other = await startGateway();
    const agent = await connect();
    const submitted = await manager().submit(agent.agentId, stopVm, { waitSeconds: 60 });
    const request = await requestOf(agent);
    const found = await manager({ url: other.apiUrl }).request(submitted.requestId);
    expect(found).toMatchObject({ agentId: agent.agentId, seq: submitted.seq });
    expect(await found.view()).toMatchObject({ state: "pending", handed: true });
    const results = [submitted.result(), found.result()];
    agent.respond(request, [{ type: "StopVmAnswer", result: true }]);
    const answer = { type: "StopVmAnswer", result: true };
    expect(await Promise.all(results)).toMatchObject([answer, [answer]]);
    expect(await found.cancel()).toBe("settled");
  });

  it("cancel of a handle - the agent is asked, and the one Answer is the result", async () => {
    const agent = await connect();
    const handle = await manager().submit(agent.agentId, stopVm);
    const request = await requestOf(agent);
    expect(await handle.cancel("not needed")).toBe("asked");
    const cancel = await requestOf(agent, "Cancel");
    expect(cancel.commands?.[0]).toMatchObject({ seq: request.seq, details: "not needed" });
    agent.respond(request, [{ type: "StopVmAnswer", result: false, errorCode: "STOPPED" }]);
    expect(await handle.result()).toMatchObject({ errorCode: "STOPPED" });
  });

  it("an id that was never used - is REQUEST_UNKNOWN", async () => {
    await expect(manager().request(randomUUID())).rejects.toMatchObject({
      code: "REQUEST_UNKNOWN",
      outcome: "unknown",
    });
  });
});

describe("AbortSignal", () => {
  it("send while the agent works - the agent is asked to stop, and what it says counts", async () => {
    const agent = await connect();
    const abort = new AbortController();
    const sent = manager().send(agent.agentId, stopVm, { signal: abort.signal });
    const request = await requestOf(agent);
    abort.abort(new Error("changed my mind"));
    const cancel = await requestOf(agent, "Cancel");
    expect(cancel.commands?.[0]).toMatchObject({ seq: request.seq, details: "changed my mind" });
    agent.respond(request, [{ type: "StopVmAnswer", result: true }]);
    expect(await sent).toMatchObject({ type: "StopVmAnswer", result: true });
  });

  it("send to an agent that is away - is cancelled, and nothing was sent", async () => {
    const agent = await connect();
    const muster = manager();
    agent.close();
    await waitUntil("it is not connected", async () => {
      const { body } = await rig.call("GET", `agents/${agent.agentId}`);
      return body["status"] === "Disconnected";
    });
    const abort = new AbortController();
    const sent = muster.send(agent.agentId, stopVm, { signal: abort.signal });
    // As early as can be: the Request may not have reached its lifecycle yet.
    await Promise.resolve();
    abort.abort();
    const settled = await sent.catch((error: unknown) => error);
    expect(settled).toMatchObject({ outcome: "notSent" });
    const again = new AbortController();
    const requestId = randomUUID();
    const second = muster.send(agent.agentId, stopVm, { signal: again.signal, requestId });
    await waitUntil("it is admitted", async () => {
      return (await rig.call("GET", `requests/${requestId}`)).status === 200;
    });
    again.abort();
    expect(await second).toMatchObject({ errorCode: "CANCELLED", outcome: "notSent" });
  });

  it("ask - rejects at once, and the agent is told which Command", async () => {
    const agent = await connect();
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const asked = manager().ask(agent.agentId, new ListVmsCommand(), options);
    const request = await requestOf(agent, "ListVms");
    const aborted = expect(asked).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    abort.abort();
    await aborted;
    const cancel = await requestOf(agent, "CancelDirect");
    expect(cancel.commands?.[0]).toMatchObject({ seq: request.seq });
  });
});

describe("many agents", () => {
  it("askAll over two gateways - each answers for itself; those away are missing, and why", async () => {
    const other = await startGateway();
    const cluster = `cluster-${randomUUID().slice(0, 8)}`;
    const agents: TestAgent[] = [];
    for (let i = 0; i < 6; i++) {
      const agent = await connect({ cluster }, i % 2 === 0 ? rig.gateway : other);
      answering(agent, () => ({ type: "CheckHealthAnswer", result: true, details: agent.agentId }));
      agents.push(agent);
    }
    const [away, ...there] = agents;
    away?.close();
    await waitUntil("it is not connected", async () => {
      const { body } = await rig.call("GET", `agents/${away?.agentId ?? ""}`);
      return body["gatewayId"] === null;
    });
    const call = manager().askAll({ cluster }, new CheckHealthCommand());
    const heard: string[] = [];
    for await (const { agentId, answer } of call) {
      if (answer !== undefined) heard.push(agentId);
      if (answer !== undefined) expect(answer.details).toBe(agentId);
    }
    expect(heard.sort()).toEqual(there.map(({ agentId }) => agentId).sort());
    const summary = await call.summary();
    expect(summary).toMatchObject({ agents: 6, answered: 5, failed: 0, isCutShort: false });
    expect(summary.missing).toMatchObject([
      { agentId: away?.agentId, code: "AGENT_NOT_CONNECTED", outcome: "notSent" },
    ]);
  });

  it("sendAll - one Request each, on the durable lane", async () => {
    const cluster = `cluster-${randomUUID().slice(0, 8)}`;
    for (let i = 0; i < 3; i++) {
      const agent = await connect({ cluster });
      answering(agent, ({ type }) => ({ type: `${type}Answer`, result: type === "StopVm" }));
    }
    const call = manager().sendAll({ cluster }, stopVm);
    expect(await call.summary()).toMatchObject({ agents: 3, answered: 3, failed: 0, missing: [] });
  });
});

describe("limits", () => {
  it("a Command that no gateway takes - is refused by itself; calls beside it go on", async () => {
    const agent = await connect();
    const muster = manager();
    const beside = muster.send(agent.agentId, stopVm);
    const request = await requestOf(agent);
    const large = new StopVmCommand({ vm: "x".repeat(1_200_000) });
    await expect(muster.send(agent.agentId, large)).rejects.toMatchObject({
      code: "TOO_LARGE",
      outcome: "notSent",
    });
    agent.respond(request, [{ type: "StopVmAnswer", result: true }]);
    expect(await beside).toMatchObject({ result: true });
  });
});
