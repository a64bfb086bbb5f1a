import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { spreadOf } from "../../../src/lifecycle/relay-budget.ts";
import {
  agentWorkflowId,
  stateQuery,
  type DisconnectMessage,
  type PingMessage,
} from "../../../src/workflows/agent-messages.ts";
import { gatewayStateQuery, gatewayWorkflowId } from "../../../src/workflows/gateway-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { startTcpProxy } from "../../helpers/tcp-proxy.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isAnswer, isError, TestAgent, type Hello } from "./test-agent.ts";
import { joinToken, startTestGateway, testConfig, useGateway, useWorker } from "./test-gateway.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const pingIntervalMs = 2_000;
const shared = useGateway(temporal, database, {
  MUSTER_PING_INTERVAL_MS: String(pingIntervalMs),
  MUSTER_RECONNECT_GRACE_MS: "200",
  MUSTER_RELAY_BUDGET_PER_SECOND: "1000",
});
/** Its budget is used up by one agent, so it vouches for a minute or so: lifecycles leave silence to it alone. */
const vouching = useGateway(temporal, database, {
  MUSTER_PING_INTERVAL_MS: String(pingIntervalMs),
  MUSTER_RELAY_BUDGET_PER_SECOND: "0.01",
});
const agents: TestAgent[] = [];

afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
});

async function connect(hello: Hello = {}, url = shared.gateway.agentUrl): Promise<TestAgent> {
  const agent = await TestAgent.connect(url, { joinToken, ...hello });
  agents.push(agent);
  const id = agent.ping();
  await agent.next("a PingAnswer", (frame) => frame.answers?.[0]?.commandId === id);
  await untilStatus(agent.agentId, "Up");
  return agent;
}
/** Connects an agent, through a proxy if wanted, to the vouching gateway while it may vouch. */
async function connectVouched(url = vouching.gateway.agentUrl): Promise<TestAgent> {
  await waitUntil("the lease is held", async () => {
    const handle = temporal.client.workflow.getHandle(
      gatewayWorkflowId(vouching.gateway.gatewayId),
    );
    return (await handle.describe()).raw.pendingActivities?.some(
      (activity) => activity.activityType?.name === "holdLease" && activity.lastStartedTime,
    );
  });
  // How long it vouches at first depends on the agent's id.
  let agentId: string;
  do agentId = `agent-${randomUUID()}`;
  while (spreadOf(agentId) < 0.5);
  return await connect({ agentId }, url);
}
async function view(agentId: string) {
  return await temporal.client.workflow.getHandle(agentWorkflowId(agentId)).query(stateQuery);
}
async function untilStatus(agentId: string, status: string) {
  return await waitUntil(`${agentId} is ${status}`, async () => {
    const now = await view(agentId);
    return now.status === status ? now : undefined;
  });
}
/** The messages of one kind that the lifecycle was sent. */
async function signals<T>(agentId: string, name: string): Promise<T[]> {
  const handle = temporal.client.workflow.getHandle(agentWorkflowId(agentId));
  const history = await handle.fetchHistory();
  return (history.events ?? []).flatMap((event) => {
    const signal = event.workflowExecutionSignaledEventAttributes;
    const data = signal?.input?.payloads?.[0]?.data;
    if (signal?.signalName !== name || data == null) return [];
    return [JSON.parse(Buffer.from(data).toString("utf8")) as T];
  });
}

describe("pings", () => {
  it("ping - answered with the interval and the gateways, relayed under the budget", async () => {
    const agent = await connect();
    const answer = await agent.next("a PingAnswer", (frame) => isAnswer(frame, "PingAnswer"));
    expect(answer.answers?.[0]).toMatchObject({
      result: true,
      pingIntervalMs,
      gateways: [shared.gateway.agentUrl],
    });
    const pings = await waitUntil("the ping is relayed", async () => {
      const sent = await signals<PingMessage>(agent.agentId, "ping");
      return sent.length > 0 ? sent : undefined;
    });
    expect(pings[0]).toMatchObject({ epoch: 1, vouchForMs: 0 });
  });

  it("ping - an unhealthy resource is told to the lifecycle in words", async () => {
    const agent = await connect();
    agent.ping([{ name: "host", healthy: false, details: "disk failing" }]);
    await waitUntil("it is told", async () =>
      (await signals<PingMessage>(agent.agentId, "ping")).some(
        (ping) => ping.unhealthy === "host: disk failing",
      ),
    );
  });

  it("ping - over the budget most pings stay here, and the gateway vouches once it holds its lease", async () => {
    const agent = await connectVouched();
    for (let i = 0; i < 10; i++) {
      const id = agent.ping();
      await agent.next("a PingAnswer", (frame) => frame.answers?.[0]?.commandId === id);
    }
    const [connected] = await signals<{ vouchForMs?: number }>(agent.agentId, "connected");
    expect(connected?.vouchForMs).toBeGreaterThan(0);
    expect(await signals(agent.agentId, "ping")).toHaveLength(0);
  });

  it("silence - is signalled once as pingTimeout, and the socket closed with 4410", async () => {
    // Its last ping is within the connect: counted from before it, the silence is no shorter than it seems.
    const silentFromMs = performance.now();
    const agent = await connectVouched();
    const [message] = await waitUntil("the silence is told", async () => {
      const sent = await signals<DisconnectMessage>(agent.agentId, "disconnect");
      return sent.length > 0 ? sent : undefined;
    });
    expect(message?.cause.type).toBe("pingTimeout");
    expect(performance.now() - silentFromMs).toBeGreaterThan(2 * pingIntervalMs);
    expect((await agent.untilClosed()).code).toBe(4410);
    await untilStatus(agent.agentId, "Disconnected");
    expect(await signals(agent.agentId, "disconnect")).toHaveLength(1);
    const back = await connect({ agentId: agent.agentId, secret: agent.secret });
    expect(back.epoch).toBe(2);
  });

  it("silence - behind a half-open link is found as well", async () => {
    const proxy = await startTcpProxy(Number(new URL(vouching.gateway.agentUrl).port));
    try {
      const agent = await connectVouched(`ws://127.0.0.1:${proxy.port}/agent`);
      proxy.silence();
      await untilStatus(agent.agentId, "Disconnected");
      const sent = await signals<DisconnectMessage>(agent.agentId, "disconnect");
      expect(sent.map(({ cause }) => cause.type)).toEqual(["pingTimeout"]);
    } finally {
      await proxy.close();
    }
  });
});

describe("ends of a session", () => {
  it("goodbye - is recorded with its reason, answered and closed, and not reported as a loss", async () => {
    const agent = await connect();
    agent.goodbye("upgrade");
    expect((await agent.untilClosed()).code).toBe(1000);
    expect(agent.frames.some((frame) => isAnswer(frame, "ShutdownAnswer"))).toBe(true);
    await untilStatus(agent.agentId, "Disconnected");
    const sent = await signals<DisconnectMessage>(agent.agentId, "disconnect");
    expect(sent.map(({ cause }) => cause)).toEqual([{ type: "goodbye", reason: "upgrade" }]);
  });

  it("lost socket - is reported, and the session's row closed", async () => {
    const agent = await connect();
    agent.close();
    await untilStatus(agent.agentId, "Disconnected");
    const [message] = await signals<DisconnectMessage>(agent.agentId, "disconnect");
    expect(message).toMatchObject({ epoch: 1, cause: { type: "socketLost" } });
    await waitUntil("the row is closed", async () => {
      const { rows } = await database.pool.query<{ closed: boolean }>(
        "SELECT closed_at IS NOT NULL AS closed FROM sessions WHERE agent_id = $1",
        [agent.agentId],
      );
      return rows[0]?.closed;
    });
  });

  it("lifecycle terminated by hand - its agent is asked to connect again and gets a new one", async () => {
    const agent = await connect();
    const handle = temporal.client.workflow.getHandle(agentWorkflowId(agent.agentId));
    await handle.terminate("by hand");
    await waitUntil("it is told to connect again", () => {
      if (agent.closed === undefined) agent.ping();
      return agent.closed;
    });
    expect(agent.closed?.code).toBe(4412);
    const back = await connect({ agentId: agent.agentId, secret: agent.secret });
    expect((await view(back.agentId)).status).toBe("Up");
  });

  it("gateway stops - its agents are sent elsewhere and its lifecycle knows that it left", async () => {
    const gateway = await startTestGateway(testConfig(temporal, database.url));
    const agent = await connect({}, gateway.agentUrl);
    await gateway.stop();
    expect(agent.closed?.code).toBe(1001);
    const handle = temporal.client.workflow.getHandle(gatewayWorkflowId(gateway.gatewayId));
    await waitUntil("left", async () => (await handle.query(gatewayStateQuery)).state === "left");
    await untilStatus(agent.agentId, "Disconnected");
  });
});

describe("Temporal is away", () => {
  it("outage - sockets stay, newcomers are told to wait, what happened is told when Temporal is back", async () => {
    const [host = "", port = ""] = temporal.address.split(":");
    const proxy = await startTcpProxy(Number(port), host);
    const config = testConfig(temporal, database.url, {
      TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
      MUSTER_PING_INTERVAL_MS: "60000",
    });
    const gateway = await startTestGateway(config);
    try {
      const [stays, leaves] = [
        await connect({}, gateway.agentUrl),
        await connect({}, gateway.agentUrl),
      ];
      proxy.refuse(true);
      proxy.cut();
      leaves.close();
      const id = stays.ping();
      await stays.next("a PingAnswer", (frame) => frame.answers?.[0]?.commandId === id);
      const newcomer = await TestAgent.hello(gateway.agentUrl, { joinToken });
      expect((await newcomer.untilClosed()).code).toBe(4503);
      const error = newcomer.frames.find((frame) => isError(frame, "UNAVAILABLE"));
      expect(error?.retryAfterMs).toBeGreaterThan(0);
      expect(await signals(leaves.agentId, "disconnect")).toHaveLength(0);
      proxy.refuse(false);
      await untilStatus(leaves.agentId, "Disconnected");
      const [message] = await signals<DisconnectMessage>(leaves.agentId, "disconnect");
      expect(message?.cause.type).toBe("socketLost");
    } finally {
      proxy.refuse(false);
      await gateway.stop();
      await proxy.close();
    }
  });
});
