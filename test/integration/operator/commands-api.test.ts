/** Sending without waiting, looking up, cancelling and progress, over HTTP and on the socket. */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand, type Seen, type TestAgent } from "../gateway/test-agent.ts";
import { CallerSocket } from "./caller-socket.ts";
import { answering, apiToken, callApi, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { call, connect, startGateway } = rig;
const sockets: CallerSocket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
async function open(apiUrl = rig.gateway.apiUrl): Promise<CallerSocket> {
  const socket = await CallerSocket.open(apiUrl);
  sockets.push(socket);
  return socket;
}
const stop = { type: "StopVm", vm: "a" };
const list = { type: "ListVms" };
async function requestOf(agent: TestAgent, type: string): Promise<Seen> {
  return await agent.next(`the Request ${type}`, (frame) => isCommand(frame, type));
}
const isCancel = (frame: Seen): boolean => isCommand(frame, "Cancel");
const isDirectCancel = (frame: Seen): boolean => isCommand(frame, "CancelDirect");

describe("sending without waiting", () => {
  it("wait: false - 202 once it is recorded; a look-up from any gateway waits for the Answers", async () => {
    const other = await startGateway();
    const agent = await connect();
    const path = `agents/${agent.agentId}/commands`;
    const sent = await call("POST", path, { commands: [stop], wait: false, waitSeconds: 60 });
    expect(sent).toMatchObject({ status: 202, body: { state: "pending", seq: 1 } });
    expect(sent.body["waitMs"]).toBeLessThanOrEqual(60_000);
    const requestId = String(sent.body["requestId"]);
    const got = await requestOf(agent, "StopVm");
    const looks = [rig.gateway, other].map((gateway) =>
      callApi(gateway.apiUrl, "GET", `requests/${requestId}?waitSeconds=30`),
    );
    const now = await call("GET", `requests/${requestId}`);
    expect(now).toMatchObject({ status: 200, body: { state: "pending", handed: true } });
    agent.respond(got, [{ type: "StopVmAnswer", result: true }]);
    for (const look of await Promise.all(looks)) {
      const { agentId } = agent;
      const answers = [{ type: "StopVmAnswer", result: true }];
      expect(look).toMatchObject({ status: 200, body: { agentId, state: "settled", answers } });
    }
  });

  it("a look-up - ends when its own wait does, with what is known then", async () => {
    const agent = await connect();
    const socket = await open();
    const commands = [stop];
    const { requestId } = await socket.call({
      method: "submit",
      agentId: agent.agentId,
      commands,
      waitSeconds: 60,
    });
    const reply = await socket.call({ method: "request", requestId, waitSeconds: 0.2 });
    expect(reply["request"]).toMatchObject({ requestId, state: "pending" });
  });

  it("submit - asking again with the same id gives the same Request, with its Answers once it has them", async () => {
    const agent = await connect();
    answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true }));
    const socket = await open();
    const given = { agentId: agent.agentId, requestId: randomUUID(), waitSeconds: 60 };
    const ask = { ...given, method: "submit", commands: [{ ...stop, id: randomUUID() }] };
    const first = await socket.call(ask);
    expect(first).toMatchObject({ requestId: given.requestId, seq: 1 });
    const { requestId } = given;
    const settled = await socket.call({ method: "request", requestId, waitSeconds: 30 });
    expect(settled["request"]).toMatchObject({ state: "settled", answers: [{ result: true }] });
    expect(await socket.call(ask)).toMatchObject({
      state: "settled",
      seq: 1,
      answers: [{ type: "StopVmAnswer", result: true }],
    });
  });

  it.each([
    ["on the direct lane", { lane: "direct", wait: false }, 400, "INVALID_REQUEST"],
    ["to an agent that is not there", { wait: false }, 404, "AGENT_UNKNOWN"],
  ])("wait: false %s - is refused", async (_where, fields, status, code) => {
    const refused = await call("POST", "agents/nobody/commands", { commands: [stop], ...fields });
    expect(refused).toMatchObject({ status, body: { code } });
  });

  it("a look-up of what was never sent - is refused", async () => {
    const unknown = await call("GET", `requests/${randomUUID()}?waitSeconds=5`);
    expect(unknown).toMatchObject({ status: 404, body: { code: "REQUEST_UNKNOWN" } });
    const socket = await open();
    const reply = await socket.call({ method: "request", requestId: randomUUID() });
    expect(reply).toMatchObject({ problem: { code: "REQUEST_UNKNOWN" } });
    const tooLong = await call("GET", `requests/${randomUUID()}?waitSeconds=61`);
    expect(tooLong).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST" } });
  });
});

describe("cancel", () => {
  it("a durable Request by its id - the agent is asked, and its Answer is what the caller gets", async () => {
    const agent = await connect();
    const socket = await open();
    const requestId = randomUUID();
    const { agentId } = agent;
    const sent = socket.call({ method: "send", agentId, commands: [stop], requestId });
    const got = await requestOf(agent, "StopVm");
    expect(await socket.call({ method: "cancel", requestId, reason: "not needed" })).toMatchObject({
      result: "asked",
    });
    const cancel = await agent.next("the Cancel", isCancel);
    expect(cancel.commands?.[0]).toMatchObject({ seq: got.seq, details: "not needed" });
    agent.respond(got, [{ type: "ErrorAnswer", result: false, outcome: "notSent" }]);
    expect(await sent).toMatchObject({ answers: [{ outcome: "notSent" }] });
    expect(await socket.call({ method: "cancel", requestId })).toMatchObject({ result: "settled" });
  });

  it("an open ask by its call id - reaches the agent once, and its Answer the caller", async () => {
    const agent = await connect();
    const socket = await open();
    const sent = socket.call({ method: "ask", agentId: agent.agentId, commands: [list] });
    const got = await requestOf(agent, "ListVms");
    const cancelled = { method: "cancel", callId: socket.lastId, reason: "seen enough" };
    expect(await socket.call(cancelled)).toMatchObject({ result: "asked" });
    expect(await socket.call(cancelled)).toMatchObject({ result: "asked" });
    const cancel = await agent.next("the Cancel", isDirectCancel);
    expect(cancel.commands?.[0]).toMatchObject({ seq: got.seq, details: "seen enough" });
    agent.respond(got, [{ type: "ErrorAnswer", result: false, errorCode: "CANCELLED" }]);
    expect(await sent).toMatchObject({ answers: [{ errorCode: "CANCELLED" }] });
    expect(agent.frames.filter(isDirectCancel)).toHaveLength(1);
    expect(await socket.call(cancelled)).toMatchObject({ result: "settled" });
  });

  it("an open send by its call id - is cancelled as by its request id", async () => {
    const agent = await connect();
    const socket = await open();
    const sent = socket.call({ method: "send", agentId: agent.agentId, commands: [stop] });
    const got = await requestOf(agent, "StopVm");
    const { result } = await socket.call({ method: "cancel", callId: socket.lastId });
    expect(result).toBe("asked");
    agent.respond(got, [{ type: "ErrorAnswer", result: false, outcome: "unknown" }]);
    expect(await sent).toMatchObject({ answers: [{ outcome: "unknown" }] });
  });

  it("neither id, or both - is refused", async () => {
    const socket = await open();
    for (const ids of [{}, { requestId: "r", callId: 1 }]) {
      const reply = await socket.call({ method: "cancel", ...ids });
      expect(reply).toMatchObject({ problem: { code: "INVALID_REQUEST" } });
    }
  });

  it("a caller whose connection closes - its asks are cancelled at the agent, its sends go on", async () => {
    const agent = await connect();
    const socket = await open();
    const { agentId } = agent;
    socket.write({ id: 1, method: "ask", agentId, commands: [list] });
    const requestId = randomUUID();
    socket.write({ id: 2, method: "send", agentId, commands: [stop], requestId });
    const asked = await requestOf(agent, "ListVms");
    const sent = await requestOf(agent, "StopVm");
    socket.close();
    const cancel = await agent.next("the Cancel", isDirectCancel);
    expect(cancel.commands?.[0]).toMatchObject({ seq: asked.seq });
    agent.respond(sent, [{ type: "StopVmAnswer", result: true }]);
    const settled = await call("GET", `requests/${requestId}?waitSeconds=30`);
    expect(settled.body).toMatchObject({ state: "settled", answers: [{ result: true }] });
    expect(agent.frames.filter(isDirectCancel)).toHaveLength(1);
  });

  it("an HTTP caller that leaves - its ask is cancelled at the agent", async () => {
    const agent = await connect();
    const leave = new AbortController();
    const asked = fetch(`${rig.gateway.apiUrl}/api/v1/agents/${agent.agentId}/commands`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiToken}`, "content-type": "application/json" },
      body: JSON.stringify({ commands: [list], lane: "direct" }),
      signal: leave.signal,
    });
    const left = expect(asked).rejects.toThrow();
    const got = await requestOf(agent, "ListVms");
    leave.abort();
    await left;
    const cancel = await agent.next("the Cancel", isDirectCancel);
    expect(cancel.commands?.[0]).toMatchObject({ seq: got.seq });
  });
});

describe("progress", () => {
  const three = { method: "ask", commands: [list, list, list], progress: true };

  it("on the socket - Answers come as they are there, each once, before the reply", async () => {
    const agent = await connect();
    const socket = await open();
    const sent = socket.call({ ...three, agentId: agent.agentId });
    const id = socket.lastId;
    const got = await requestOf(agent, "ListVms");
    expect(got).toMatchObject({ progress: true });
    agent.progress(got, 1, { type: "ListVmsAnswer", result: true, vms: ["b"] });
    agent.progress(got, 1, { type: "ListVmsAnswer", result: true, vms: ["again"] });
    agent.progress(got, 0, { type: "ListVmsAnswer", result: true, vms: ["a"] });
    // Not of this Request, and of none.
    agent.progress(got, 2, { type: "ListVmsAnswer", result: true, commandId: "another" });
    agent.progress(got, 99, { type: "ListVmsAnswer", result: true, commandId: "another" });
    agent.progress({ ...got, seq: 4_711 }, 2, { type: "ListVmsAnswer", result: true });
    agent.respond(got, Array(3).fill({ type: "ListVmsAnswer", result: true }));
    expect(await sent).toMatchObject({ answers: [{}, {}, {}] });
    const news = socket.messages.filter((message) => message["progress"] !== undefined);
    expect(news).toMatchObject([
      { id, progress: { index: 1, answer: { vms: ["b"], commandId: got.commands?.[1]?.id } } },
      { id, progress: { index: 0, answer: { vms: ["a"] } } },
    ]);
    // Late and unasked for: no harm to anybody.
    agent.progress(got, 2, { type: "ListVmsAnswer", result: true });
    const again = socket.call({ ...three, progress: false, agentId: agent.agentId });
    const next = await agent.next("the next one", ({ seq }) => seq === got.seq + 1);
    expect(next).not.toHaveProperty("progress");
    agent.progress(next, 0, { type: "ListVmsAnswer", result: true });
    agent.respond(next, Array(3).fill({ type: "ListVmsAnswer", result: true }));
    await again;
    expect(socket.messages.filter((message) => message["progress"] !== undefined)).toHaveLength(2);
  });

  it("over HTTP - a line for each thing that is known, the last one has it all", async () => {
    const agent = await connect();
    const lines = streamLines(agent.agentId, { commands: [list, list], lane: "direct" });
    const got = await requestOf(agent, "ListVms");
    agent.progress(got, 0, { type: "ListVmsAnswer", result: true });
    await waitUntil("the first line", () => lines.seen.length === 1);
    expect(lines.seen[0]).toMatchObject({ type: "answer", index: 0, answer: { result: true } });
    agent.respond(got, Array(2).fill({ type: "ListVmsAnswer", result: true }));
    await lines.ended;
    expect(lines.seen.slice(1)).toMatchObject([
      { type: "end", answers: [{ result: true }, { result: true }] },
    ]);
  });

  it("over HTTP, durable - begins once the Request is admitted; a refusal is a plain problem", async () => {
    const agent = await connect();
    const lines = streamLines(agent.agentId, { commands: [stop], requestId: "lines-1" });
    const got = await requestOf(agent, "StopVm");
    await waitUntil("the first line", () => lines.seen.length === 1);
    expect(lines.seen[0]).toMatchObject({ type: "admitted", requestId: "lines-1", seq: 1 });
    agent.respond(got, [{ type: "StopVmAnswer", result: true }]);
    await lines.ended;
    expect(lines.seen.slice(1)).toMatchObject([{ type: "end", answers: [{ result: true }] }]);
    const refused = streamLines("nobody", { commands: [stop] });
    const response = await refused.response;
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    await refused.ended;
  });
});

/** Sends Commands and collects the lines that come back. */
function streamLines(agentId: string, body: object) {
  const seen: Record<string, unknown>[] = [];
  const response = fetch(`${rig.gateway.apiUrl}/api/v1/agents/${agentId}/commands`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${apiToken}`,
      "content-type": "application/json",
      accept: "application/x-ndjson",
    },
    body: JSON.stringify(body),
  });
  const read = async (): Promise<void> => {
    let text = "";
    for await (const chunk of (await response).body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString("utf8");
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) seen.push(JSON.parse(line) as Record<string, unknown>);
    }
  };
  return { seen, response, ended: read() };
}

describe("a caller that does not read", () => {
  it("its socket - is not listened to until it has read; no reply is lost, and others are served", async () => {
    const agent = await connect();
    const filler = "x".repeat(900_000);
    answering(agent, ({ type, id }) => ({
      type: `${type}Answer`,
      commandId: id,
      result: true,
      ...(type === "ListVms" && { filler }),
    }));
    const [deaf, other] = [await open(), await open()];
    const ask = (type: string) => ({
      method: "ask",
      agentId: agent.agentId,
      commands: [{ type }],
      waitSeconds: 60,
    });
    deaf.socket.pause();
    // More than the gateway holds for one caller and the sockets' own buffers together.
    for (let id = 1; id <= 40; id++) deaf.write({ id, ...ask("ListVms") });
    const asked = (type: string) => agent.frames.filter((frame) => isCommand(frame, type)).length;
    await waitUntil("all were asked", () => asked("ListVms") === 40);
    // Answered behind them by the same agent, so the gateway has all forty by then.
    await other.call(ask("GetHostStats"));
    deaf.write({ id: 41, ...ask("CheckHealth") });
    for (let i = 0; i < 5; i++) await other.call(ask("GetHostStats"));
    expect(asked("CheckHealth")).toBe(0);

    deaf.socket.resume();
    await waitUntil("every reply is read", () => deaf.messages.length === 41);
    expect(new Set(deaf.messages.map(({ id }) => id)).size).toBe(41);
    expect(asked("CheckHealth")).toBe(1);
  });
});
