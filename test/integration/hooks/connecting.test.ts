/** Listeners in a real gateway: who may connect, who came and went, what passed by. */
import { afterEach, describe, expect, it } from "vitest";
import type { HookListener, Veto } from "../../../src/api/index.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isError, TestAgent, type Hello } from "../gateway/test-agent.ts";
import {
  joinToken,
  startTestGateway,
  testConfig,
  useWorker,
  type TestGateway,
} from "../gateway/test-gateway.ts";
import { answering } from "../operator/operator-rig.ts";
import { useListenerModules } from "./listener-modules.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const modules = useListenerModules();

const agents: TestAgent[] = [];
let gateway: TestGateway | undefined;
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.close();
  await gateway?.stop();
  gateway = undefined;
});

async function start(
  listeners: readonly HookListener[],
  env: Record<string, string> = {},
): Promise<TestGateway> {
  const MUSTER_HOOK_MODULES = listeners.map((one) => modules.moduleOf(one)).join(",");
  const config = testConfig(temporal, database.url, { MUSTER_HOOK_MODULES, ...env });
  gateway = await startTestGateway(config);
  return gateway;
}
async function hello(at: TestGateway, fields: Hello = {}): Promise<TestAgent> {
  const agent = await TestAgent.hello(at.agentUrl, { joinToken, ...fields });
  agents.push(agent);
  return agent;
}
async function connect(at: TestGateway, fields: Hello = {}): Promise<TestAgent> {
  const agent = await hello(at, fields);
  await agent.finishHandshake();
  const id = agent.ping();
  await agent.next("a PingAnswer", ({ answers }) => answers?.[0]?.commandId === id);
  return agent;
}
async function epochs(agentId: string): Promise<number> {
  const { rowCount } = await database.pool.query("SELECT FROM sessions WHERE agent_id = $1", [
    agentId,
  ]);
  return rowCount ?? 0;
}
const forever = new Promise<undefined>(() => undefined);

describe("onConnecting", () => {
  it("a veto - the agent is refused, told why, and gets no session", async () => {
    const asked: unknown[] = [];
    const at = await start([
      {
        name: "doorman",
        onConnecting: (agent): Veto | undefined => {
          asked.push(agent);
          return agent.cluster === "closed" ? { veto: "the cluster is being moved" } : undefined;
        },
      },
    ]);
    const agent = await hello(at, { cluster: "closed" });
    expect(await agent.untilClosed()).toMatchObject({ code: 4403 });
    expect(agent.frames[0]?.answers?.[0]).toMatchObject({
      type: "StartupAnswer",
      result: false,
      errorCode: "VETOED",
      details: "doorman refuses: the cluster is being moved",
    });
    expect(await epochs(agent.agentId)).toBe(0);
    expect(asked).toMatchObject([
      {
        ...{ agentId: agent.agentId, gatewayId: at.gatewayId, zone: "z1", cluster: "closed" },
        ...{ resourceType: "simulator", software: "test/1", resources: [{ name: "host" }] },
      },
    ]);
    const other = await connect(at, { cluster: "open" });
    await other.next("an answer to its hello", ({ answers }) => answers?.[0]?.result === true);
    expect(await at.metrics()).toContain(
      'muster_hook_calls_total{listener="doorman",method="onConnecting",result="vetoed"} 1',
    );
  });

  it("an agent whose identity is not proven - listeners are not asked about it", async () => {
    let asked = 0;
    const at = await start([
      {
        name: "counter",
        onConnecting: () => {
          asked++;
          return undefined;
        },
      },
    ]);
    const agent = await hello(at, { joinToken: "not-the-join-token-at-all" });
    expect(await agent.untilClosed()).toMatchObject({ code: 4401 });
    expect(asked).toBe(0);
  });

  it("a listener that hangs - holds the agent no longer than its limit, then it is admitted", async () => {
    let aborted = 0;
    const at = await start(
      [
        {
          name: "hangs",
          onConnecting: (_agent, { signal }) => {
            signal.addEventListener("abort", () => aborted++);
            return forever;
          },
        },
      ],
      { MUSTER_HOOK_TIMEOUT_MS: "300", MUSTER_HANDSHAKE_TIMEOUT_MS: "60000" },
    );
    const startedMs = performance.now();
    const agent = await hello(at);
    await agent.next("Ready", ({ commands }) => commands?.[0]?.type === "Ready");
    // Far below the handshake's own limit: it was the listener's that ended the wait.
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    expect(aborted).toBe(1);
    const warnings = at.lines.filter(({ msg }) => msg.startsWith("admitted without"));
    expect(warnings).toMatchObject([
      { agentId: agent.agentId, failures: ["hangs took longer than 300 ms"] },
    ]);
  });

  it("a listener that hangs or throws - refuses for now when the setting says so", async () => {
    const at = await start(
      [
        {
          name: "throws",
          onConnecting: () => {
            throw new Error("its own database is away");
          },
        },
      ],
      { MUSTER_HOOK_FAILURE: "refuse" },
    );
    const agent = await hello(at);
    expect(await agent.untilClosed()).toMatchObject({ code: 4503 });
    const error = agent.frames.find((frame) => isError(frame, "UNAVAILABLE"));
    expect(error?.message).toContain("throws failed: its own database is away");
    expect(error?.retryAfterMs).toBeGreaterThan(0);
    expect(await epochs(agent.agentId)).toBe(0);
  });

  it("a hang beyond the handshake's limit - the agent is sent away by then and gets no session", async () => {
    const at = await start([{ name: "hangs-long", onConnecting: () => forever }], {
      MUSTER_HOOK_TIMEOUT_MS: "60000",
      MUSTER_HANDSHAKE_TIMEOUT_MS: "500",
    });
    const agent = await hello(at);
    expect(await agent.untilClosed()).toMatchObject({ code: 4503 });
    expect(await epochs(agent.agentId)).toBe(0);
  });
});

describe("what a gateway tells", () => {
  it("sessions - connected once they are open, disconnected once they are over, superseded ones too", async () => {
    const told: string[] = [];
    const at = await start([
      {
        name: "diary",
        onConnected: ({ epoch }) => void told.push(`connected ${epoch}`),
        onDisconnected: ({ epoch, closeCode, byPeer }) =>
          void told.push(`disconnected ${epoch} ${closeCode} ${byPeer ? "by peer" : "by us"}`),
      },
    ]);
    const first = await connect(at);
    await waitUntil("it is told", () => told.includes("connected 1"));
    const again = { agentId: first.agentId, secret: first.secret };
    const unfinished = await hello(at, again);
    await unfinished.next("Ready", ({ commands }) => commands?.[0]?.type === "Ready");
    unfinished.close();
    const third = await connect(at, again);
    await waitUntil("it is told", () => told.includes("connected 3"));
    third.close();
    await waitUntil("it is told", () => told.some((line) => line.startsWith("disconnected 3")));
    expect(told).toEqual([
      "connected 1",
      "disconnected 1 4409 by us",
      "connected 3",
      "disconnected 3 1006 by peer",
    ]);
  });

  it("Commands and Answers of both lanes - pass by as they are, and a listener that throws or meddles changes nothing", async () => {
    const seen: string[] = [];
    const meddle = (list: readonly object[]): never => {
      for (const one of list) Object.assign(one, { type: "Meddled", result: false });
      throw new Error("and fails");
    };
    const at = await start([
      {
        name: "meddler",
        onCommands: ({ commands }) => meddle(commands),
        onAnswers: ({ answers }) => meddle(answers),
      },
      {
        name: "observer",
        onCommands: ({ lane, seq, commands }) =>
          void seen.push(`${lane} ${seq} ${commands.map(({ type }) => type).join()}`),
        onAnswers: ({ lane, seq, answers }) =>
          void seen.push(`${lane} ${seq} ${answers.map(({ type }) => type).join()}`),
      },
    ]);
    const agent = await connect(at);
    answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true }));
    const request = (requestId: string, type: string) => ({
      ...{ requestId, onError: "stop" as const, waitSeconds: 60 },
      commands: [{ type, id: requestId }],
    });
    const { agentId } = agent;
    const direct = await at.lanes.sendDirect(agentId, request(`${agentId}-1`, "ListVms"));
    const durable = await at.lanes.sendDurable(agentId, request(`${agentId}-2`, "StopVm"));
    expect([direct, durable]).toMatchObject([
      [{ type: "ListVmsAnswer", result: true }],
      [{ type: "StopVmAnswer", result: true }],
    ]);
    await waitUntil("all passed by", () => seen.length === 4);
    expect(seen).toEqual([
      "direct 1 ListVms",
      "direct 1 ListVmsAnswer",
      "durable 1 StopVm",
      "durable 1 StopVmAnswer",
    ]);
    const metrics = await at.metrics();
    for (const method of ["onCommands", "onAnswers"]) {
      expect(metrics).toContain(`{listener="meddler",method="${method}",result="failed"} 2`);
    }
  });
});

describe("onControlCommand", () => {
  const ask = (id: string, type = "FindImage") => ({
    ...{ kind: "request", lane: "session", seq: 900, commands: [{ type, id, name: "debian" }] },
  });

  it("an agent that asks the manager - gets the first listener's Answer; one whose listener hangs holds up nobody", async () => {
    const at = await start(
      [
        {
          name: "hangs",
          onControlCommand: ({ command }) => (command.type === "Hang" ? forever : undefined),
        },
        {
          name: "images",
          onControlCommand: ({ agentId, command }) =>
            command.type === "FindImage"
              ? ({ type: "FindImageAnswer", result: true, details: agentId } as const)
              : undefined,
        },
      ],
      { MUSTER_HOOK_TIMEOUT_MS: "1000" },
    );
    const [slow, good] = [await connect(at), await connect(at)];
    const hung = ["h-1", "h-2"];
    for (const id of hung) slow.send(ask(id, "Hang"));
    good.send(ask("f-1"));
    const found = await good.next("the Answer", ({ answers }) => answers?.[0]?.commandId === "f-1");
    expect(found).toMatchObject({
      ...{ kind: "response", lane: "session", seq: 900 },
      answers: [{ type: "FindImageAnswer", result: true, details: good.agentId }],
    });
    for (const id of hung) {
      const told = await slow.next("its Answer", ({ answers }) => answers?.[0]?.commandId === id);
      expect(told.answers).toMatchObject([{ type: "UnsupportedAnswer", result: false }]);
      expect(told.answers?.[0]?.details).toContain("hangs took longer than 1000 ms");
    }
    const id = slow.ping();
    await slow.next("a PingAnswer", ({ answers }) => answers?.[0]?.commandId === id);
    const metrics = await at.metrics();
    expect(metrics).toContain('muster_gateway_control_commands_total{result="answered"} 1');
    expect(metrics).toContain('muster_gateway_control_commands_total{result="unsupported"} 2');
  });
});
