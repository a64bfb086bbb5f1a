/** Any gateway serves any agent: callers ask one gateway, another one holds the agent. */
import { once } from "node:events";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { peerHeader, peerToken } from "../../../src/gateway/peers/peer-auth.ts";
import { startTcpProxy, type TcpProxy } from "../../helpers/tcp-proxy.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand, type Seen, type TestAgent } from "../gateway/test-agent.ts";
import { CallerSocket } from "./caller-socket.ts";
import {
  answering,
  apiToken,
  callApi,
  useOperatorRig,
  type OperatorGateway,
} from "./operator-rig.ts";

const rig = useOperatorRig();
let holder: OperatorGateway;
let proxy: TcpProxy;
let agent: TestAgent;
let caller: CallerSocket;

beforeAll(async () => {
  holder = await rig.startGateway();
  // The way from gateway to gateway is the tests' to cut.
  proxy = await startTcpProxy(Number(new URL(holder.apiUrl).port));
  await advertise(holder.gatewayId, `http://127.0.0.1:${proxy.port}`);
  return () => proxy.close();
});

beforeEach(async () => {
  agent = await rig.connect({}, holder);
  caller = await CallerSocket.open(rig.gateway.apiUrl);
});

afterEach(() => {
  caller.close();
  proxy.resume();
});

async function advertise(gatewayId: string, apiUrl: string): Promise<void> {
  await rig.database.pool.query("UPDATE gateways SET api_url = $2 WHERE id = $1", [
    gatewayId,
    apiUrl,
  ]);
}

const ok = ({ type, id }: { readonly type: string; readonly id: string }) => ({
  type: `${type}Answer`,
  commandId: id,
  result: true,
});
const ask = () => ({
  method: "ask",
  agentId: agent.agentId,
  commands: [{ type: "ListVms" }],
  waitSeconds: 20,
});
const send = (requestId: string) => ({
  method: "send",
  agentId: agent.agentId,
  requestId,
  commands: [{ type: "StopVm", id: `${requestId}/1`, vm: "a" }],
  waitSeconds: 20,
});
const request = (type: string) =>
  agent.next(type, (frame: Seen) => frame.kind === "request" && frame.commands?.[0]?.type === type);

describe("an agent that another gateway holds", () => {
  test("direct lane - is asked over one hop, by socket and by HTTP", async () => {
    answering(agent, ok);
    expect(await caller.call(ask())).toMatchObject({ answers: [{ type: "ListVmsAnswer" }] });
    const { status, body } = await rig.call("POST", `agents/${agent.agentId}/commands`, {
      commands: [{ type: "ListVms" }],
      lane: "direct",
    });
    expect([status, body]).toMatchObject([200, { answers: [{ type: "ListVmsAnswer" }] }]);
    const metrics = await fetch(`${rig.gateway.apiUrl}/metrics`, {
      headers: { authorization: `Bearer ${apiToken}` },
    });
    expect(await metrics.text()).toMatch(/muster_gateway_forwarded_requests_total [2-9]/);
  });

  test("durable lane - the holder writes the Request itself, with the caller's ids", async () => {
    const reply = caller.call(send("durable-1"));
    const frame = await request("StopVm");
    expect(frame).toMatchObject({ lane: "durable", commands: [{ id: "durable-1/1" }] });
    agent.respond(frame, [ok({ type: "StopVm", id: "durable-1/1" })]);
    expect(await reply).toMatchObject({
      requestId: "durable-1",
      answers: [{ type: "StopVmAnswer", result: true }],
    });
  });

  test("progress - comes through as it happens", async () => {
    const commands = ["p/1", "p/2"].map((id) => ({ type: "ListVms", id }));
    const reply = caller.call({ ...ask(), commands, progress: true });
    const frame = await request("ListVms");
    agent.progress(frame, 0, ok({ type: "ListVms", id: "p/1" }));
    await waitUntil("the caller hears of it", () =>
      caller.messages.some(
        ({ progress }) => (progress as { index?: number } | undefined)?.index === 0,
      ),
    );
    agent.respond(frame, commands.map(ok));
    expect(await reply).toMatchObject({ answers: [{ result: true }, { result: true }] });
  });

  test("cancel of a call on the direct lane - reaches the agent", async () => {
    const reply = caller.call(ask());
    const frame = await request("ListVms");
    await caller.call({ method: "cancel", callId: caller.lastId });
    const cancel = await request("CancelDirect");
    expect(cancel.commands).toMatchObject([{ seq: frame.seq }]);
    agent.respond(frame, [{ ...ok({ type: "ListVms", id: frame.commands?.[0]?.id ?? "" }) }]);
    expect(await reply).toMatchObject({ answers: [{ result: true }] });
  });

  test("refusals of the holder - are the caller's", async () => {
    const changing = { ...ask(), commands: [{ type: "StopVm", vm: "a" }] };
    expect(await caller.call(changing)).toMatchObject({ problem: { code: "NOT_READ_ONLY" } });
  });
});

describe("a link between gateways that breaks", () => {
  test("direct lane, under way - the outcome is unknown", async () => {
    const reply = caller.call(ask());
    await request("ListVms");
    proxy.cut();
    expect(await reply).toMatchObject({
      answers: [{ outcome: "unknown", errorCode: "PEER_LOST" }],
    });
  });

  test("durable lane, under way - the Request goes on, runs once and is answered once", async () => {
    const reply = caller.call(send("cut-1"));
    const frame = await request("StopVm");
    proxy.cut();
    agent.respond(frame, [ok({ type: "StopVm", id: "cut-1/1" })]);
    expect(await reply).toMatchObject({ answers: [{ commandId: "cut-1/1", result: true }] });
    const written = agent.frames.filter(({ commands }) => commands?.[0]?.id === "cut-1/1");
    expect(new Set(written.map(({ seq }) => seq)).size).toBe(1);
  });

  test("half open - the direct call ends long before its wait, and durable ones go on", async () => {
    answering(agent, ok);
    await caller.call(ask());
    proxy.silence();
    const direct = caller.call(ask());
    const durable = caller.call(send("silent-1"));
    expect(await direct).toMatchObject({ answers: [{ outcome: "unknown" }] });
    expect(await durable).toMatchObject({ answers: [{ result: true }] });
  });

  test("that can't be opened - direct calls are refused as not sent, durable ones go on", async () => {
    answering(agent, ok);
    proxy.refuse(true);
    proxy.cut();
    try {
      expect(await caller.call(ask())).toMatchObject({ problem: { code: "MANAGER_UNAVAILABLE" } });
      expect(await caller.call(send("refused-1"))).toMatchObject({ answers: [{ result: true }] });
    } finally {
      proxy.refuse(false);
    }
  });
});

describe("a route that is stale", () => {
  test("the agent has moved meanwhile - it is found by a second look", async () => {
    answering(agent, ok);
    await caller.call(ask());
    const { agentId, secret } = agent;
    const moved = await rig.connect({ agentId, secret }, rig.gateway);
    answering(moved, ok);
    agent.close();
    const back = await CallerSocket.open(holder.apiUrl);
    expect(await back.call(ask())).toMatchObject({ answers: [{ type: "ListVmsAnswer" }] });
    const here = await rig.connect({ agentId, secret }, holder);
    answering(here, ok);
    moved.close();
    expect(await back.call(ask())).toMatchObject({ answers: [{ type: "ListVmsAnswer" }] });
    back.close();
  });
});

describe("the link between gateways", () => {
  const open = async (headers: Readonly<Record<string, string>>) => {
    const url = `${holder.apiUrl.replace("http", "ws")}/api/v1/peer`;
    const socket = new WebSocket(url, { headers });
    socket.on("error", () => undefined);
    const [, response] = (await once(socket, "unexpected-response")) as [
      unknown,
      { readonly statusCode?: number },
    ];
    socket.terminate();
    return response.statusCode;
  };

  test("a caller's token - does not open it", async () => {
    expect(await open({ authorization: `Bearer ${apiToken}` })).toBe(401);
  });

  test("meant for another run of the gateway - is refused", async () => {
    const authorization = `Bearer ${peerToken(apiToken)}`;
    expect(await open({ authorization, [peerHeader]: `${holder.gatewayId}/earlier` })).toBe(421);
  });

  test("what gateways show each other - opens nothing else", async () => {
    const response = await fetch(`${holder.apiUrl}/api/v1/agents`, {
      headers: { authorization: `Bearer ${peerToken(apiToken)}` },
    });
    expect(response.status).toBe(401);
    expect((await callApi(holder.apiUrl, "GET", "agents")).status).toBe(200);
  });
});

test("a gateway that stops - does not wait for what was asked elsewhere: its callers are told", async () => {
  const asking = await rig.startGateway();
  const path = `agents/${agent.agentId}/commands`;
  const calls = ["direct", "durable"].map((lane) =>
    callApi(asking.apiUrl, "POST", path, {
      commands: [{ type: "ListVms" }],
      lane,
      waitSeconds: 600,
    }),
  );
  const requests = () => agent.frames.filter((frame) => isCommand(frame, "ListVms"));
  await waitUntil("the agent has both", () => requests().length === 2);
  // Nobody answers: were it waited for, this test would end first.
  await asking.stop();
  const [direct, durable] = await Promise.all(calls);
  expect(direct).toMatchObject({ status: 200, body: { answers: [{ outcome: "unknown" }] } });
  const noNews = { outcome: "unknown", errorCode: "NO_NEWS" };
  expect(durable).toMatchObject({ status: 200, body: { answers: [noNews] } });
});
