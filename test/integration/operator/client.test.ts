import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import {
  CheckHealthCommand,
  Command,
  ListVmsCommand,
  StopVmCommand,
} from "../../../src/api/index.ts";
import { AgentManager, type AgentManagerOptions } from "../../../src/client/index.ts";
import { startTcpProxy } from "../../helpers/tcp-proxy.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand } from "../gateway/test-agent.ts";
import { answering, apiToken, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { connect, startGateway } = rig;
const closes: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});
function manager(options: Partial<AgentManagerOptions> = {}): AgentManager {
  const made = new AgentManager({ url: rig.gateway.apiUrl, token: apiToken, ...options });
  closes.push(() => made.close());
  return made;
}
async function proxy(apiUrl = rig.gateway.apiUrl) {
  const { hostname, port } = new URL(apiUrl);
  const made = await startTcpProxy(Number(port), hostname);
  closes.push(() => made.close());
  return { ...made, url: `http://127.0.0.1:${made.port}` };
}

describe("AgentManager", () => {
  it("send and ask - each Command gets its own Answer", async () => {
    const agent = await connect();
    answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true, vms: [] }));
    const muster = manager();
    const stopped = await muster.send(agent.agentId, new StopVmCommand({ vm: "a", force: true }));
    expect(stopped).toMatchObject({ type: "StopVmAnswer", result: true });
    const request = agent.frames.find((frame) => isCommand(frame, "StopVm"));
    expect(request?.commands?.[0]).toMatchObject({ vm: "a", force: true });
    const listed = await muster.ask(agent.agentId, new ListVmsCommand());
    // The Answer's type follows from the Command's.
    expect(listed.type === "ListVmsAnswer" && listed.vms).toEqual([]);
    const [health, vms] = await muster.sendBatch(agent.agentId, [
      new CheckHealthCommand(),
      new ListVmsCommand(),
    ]);
    expect([health.type, vms.type]).toEqual(["CheckHealthAnswer", "ListVmsAnswer"]);
  });

  it("a thousand calls at once - all are answered, each with its own", async () => {
    const agent = await connect();
    answering(agent, ({ id }) => ({ type: "CheckHealthAnswer", result: true, details: id }));
    const muster = manager();
    const ids = Array.from({ length: 1_000 }, () => randomUUID());
    const answers = await Promise.all(
      ids.map((id) => muster.ask(agent.agentId, new CheckHealthCommand({ id }))),
    );
    expect(answers.map(({ details }) => details)).toEqual(ids);
    expect(answers.map(({ commandId }) => commandId)).toEqual(ids);
  });

  it("a refusal - rejects with the gateway's code, and says that nothing was sent", async () => {
    const { agentId } = await connect();
    const muster = manager();
    await expect(muster.ask(agentId, new StopVmCommand({ vm: "a" }))).rejects.toMatchObject({
      code: "NOT_READ_ONLY",
      outcome: "notSent",
    });
    await expect(muster.send("nobody", new ListVmsCommand())).rejects.toMatchObject({
      code: "AGENT_UNKNOWN",
      outcome: "notSent",
    });
    await expect(muster.send("no such id!", new ListVmsCommand())).rejects.toMatchObject({
      code: "INVALID_REQUEST",
    });
  });

  it("a wrong token - rejects at once, and does not try on", async () => {
    const muster = manager({ token: "not-the-token-at-all" });
    await expect(muster.send("some-agent", new ListVmsCommand())).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      outcome: "notSent",
    });
  });

  it("a lost connection - a durable Command is asked again and runs once", async () => {
    const agent = await connect();
    const link = await proxy();
    const states: string[] = [];
    const muster = manager({ url: link.url, onStateChange: (_from, to) => states.push(to) });
    const sent = muster.send(agent.agentId, new StopVmCommand({ vm: "a" }));
    const request = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    link.cut();
    const again = await waitUntil(
      "it is written once more",
      () => agent.frames.filter((frame) => isCommand(frame, "StopVm"))[1],
    );
    agent.respond(request, [{ type: "StopVmAnswer", result: true }]);
    expect(await sent).toMatchObject({ type: "StopVmAnswer", result: true });
    // As the same Request with the same Command, which the agent's journal knows.
    expect(again).toMatchObject({ seq: request.seq, commands: request.commands });
    expect(agent.frames.filter((frame) => isCommand(frame, "StopVm"))).toHaveLength(2);
    expect(states).toEqual(["connecting", "open", "waiting", "connecting", "open"]);
  });

  it("a lost connection - the Answer that was settled meanwhile is still given", async () => {
    const agent = await connect();
    const link = await proxy();
    const muster = manager({ url: link.url });
    const requestId = randomUUID();
    const sent = muster.send(agent.agentId, new StopVmCommand({ vm: "a" }), { requestId });
    const request = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    link.refuse(true);
    link.cut();
    agent.respond(request, [{ type: "StopVmAnswer", result: true }]);
    await agent.next("the ack", ({ kind }) => kind === "ack");
    link.refuse(false);
    expect(await sent).toMatchObject({ type: "StopVmAnswer", result: true });
  });

  it("a lost connection - a direct Command rejects with outcome unknown; the next one passes", async () => {
    const agent = await connect();
    const link = await proxy();
    const muster = manager({ url: link.url });
    const asked = muster.ask(agent.agentId, new ListVmsCommand());
    const lost = expect(asked).rejects.toMatchObject({
      code: "CONNECTION_LOST",
      outcome: "unknown",
    });
    await agent.next("the Request", (frame) => isCommand(frame, "ListVms"));
    link.cut();
    await lost;
    answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true }));
    expect(await muster.ask(agent.agentId, new CheckHealthCommand())).toMatchObject({
      result: true,
    });
  });

  it("no gateway at all - rejects when the wait is over: not sent", async () => {
    const link = await proxy();
    link.refuse(true);
    const muster = manager({ url: link.url });
    const options = { waitSeconds: 0.2 };
    await expect(muster.send("some-agent", new ListVmsCommand(), options)).rejects.toMatchObject({
      code: "NOT_CONNECTED",
      outcome: "notSent",
    });
  });

  it("several gateways - another one is asked when the first is gone, or stops in the middle", async () => {
    const other = await startGateway();
    const agent = await connect();
    const muster = manager({ url: [other.apiUrl, rig.gateway.apiUrl] });
    const sent = muster.send(agent.agentId, new StopVmCommand({ vm: "a" }));
    const request = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    await other.stop();
    agent.respond(request, [{ type: "StopVmAnswer", result: true }]);
    expect(await sent).toMatchObject({ type: "StopVmAnswer", result: true });
  });

  it("an agent of another gateway - is asked there", async () => {
    const other = await startGateway();
    const agent = await connect({}, other);
    answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true }));
    const muster = manager();
    for (let i = 0; i < 2; i++) {
      const answer = await muster.ask(agent.agentId, new CheckHealthCommand());
      expect(answer).toMatchObject({ type: "CheckHealthAnswer", result: true });
    }
  });

  it("close - rejects what waits, and what comes after", async () => {
    const agent = await connect();
    const muster = manager();
    const asked = muster.ask(agent.agentId, new ListVmsCommand());
    const closed = expect(asked).rejects.toMatchObject({ code: "CLOSED", outcome: "unknown" });
    await agent.next("the Request", (frame) => isCommand(frame, "ListVms"));
    await muster.close();
    await closed;
    await expect(muster.ask(agent.agentId, new ListVmsCommand())).rejects.toMatchObject({
      code: "CLOSED",
      outcome: "notSent",
    });
  });

  it("a Command of one's own - needs nothing but its type", async () => {
    class PaintCommand extends Command {
      readonly type = "Paint";
      readonly colour = "red";
    }
    const agent = await connect();
    answering(agent, () => ({ type: "PaintAnswer", result: true }));
    expect(await manager().send(agent.agentId, new PaintCommand())).toMatchObject({
      type: "PaintAnswer",
    });
    const request = agent.frames.find((frame) => isCommand(frame, "Paint"));
    expect(request?.commands?.[0]).toMatchObject({ colour: "red" });
  });
});

describe("command socket", () => {
  /** Sends texts, and gives what came back once the socket closed or `count` messages are here. */
  async function talk(messages: readonly (string | Buffer)[], count: number) {
    const socket = new WebSocket(`${rig.gateway.apiUrl.replace("http", "ws")}/api/v1/socket`, {
      headers: { authorization: `Bearer ${apiToken}` },
    });
    closes.push(() => {
      socket.terminate();
    });
    const replies: unknown[] = [];
    let code: number | undefined;
    socket.on("message", (data: Buffer) => replies.push(JSON.parse(data.toString("utf8"))));
    socket.on("close", (closeCode) => {
      code = closeCode;
    });
    socket.on("error", () => undefined);
    socket.on("open", () => {
      for (const message of messages) socket.send(message);
    });
    await waitUntil("replies or the end", () => replies.length >= count || code !== undefined);
    return { replies, code: () => code };
  }
  const ask = { id: 1, method: "ask", agentId: "nobody", commands: [{ type: "ListVms" }] };

  it("a malformed call with an id - is refused, the socket goes on", async () => {
    const { replies } = await talk(
      [
        JSON.stringify({ ...ask, method: "shout" }),
        JSON.stringify({ ...ask, id: 2, commands: [] }),
        JSON.stringify({ ...ask, id: 3, more: true }),
        JSON.stringify({ ...ask, id: 4 }),
      ],
      4,
    );
    expect(replies).toMatchObject([
      { id: 1, problem: { status: 400, code: "INVALID_REQUEST" } },
      { id: 2, problem: { status: 400, code: "INVALID_REQUEST" } },
      { id: 3, problem: { status: 400, code: "INVALID_REQUEST" } },
      { id: 4, problem: { status: 404, code: "AGENT_UNKNOWN" } },
    ]);
  });

  it.each([
    ["no JSON", "{", 4400],
    ["no id", '{"method":"ask"}', 4400],
    ["binary", Buffer.from([1, 2, 3]), 4400],
    ["too deep", "[".repeat(200_000), 4400],
    ["too large", "x".repeat(1_100_000), 1009],
  ])("%s - ends this socket, and no other", async (_what, message, code) => {
    const ended = await talk([message], Infinity);
    expect(ended.code()).toBe(code);
    const { replies } = await talk([JSON.stringify(ask)], 1);
    expect(replies).toMatchObject([{ id: 1, problem: { code: "AGENT_UNKNOWN" } }]);
  });
});
