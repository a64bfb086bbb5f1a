/** Ways to lose a host, with real processes: what the manager makes of each, and that it never calls a live one Down. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { MusterProcess } from "../helpers/processes.ts";
import { startTcpProxy, type TcpProxy } from "../helpers/tcp-proxy.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type Gateway } from "./cluster.ts";

// A name that leads nowhere: an agent must not find its way round the proxy by what it learns from the gateway.
const { cluster, home } = useCluster(() => ({ MUSTER_ADVERTISE_HOST: "gateway.invalid" }));
let gateway: Gateway;
let worker: MusterProcess;
let proxy: TcpProxy;
let viaProxy = "";

beforeAll(async () => {
  worker = await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
  const url = new URL(gateway.agentUrl);
  proxy = await startTcpProxy(Number(url.port));
  url.port = String(proxy.port);
  viaProxy = url.href;
});
afterEach(() => {
  proxy.resume();
});
afterAll(() => proxy.close());

const start = (agentId: string, url = gateway.agentUrl) =>
  cluster.startAgent(agentId, [url], { home: home() });

async function types(agentId: string): Promise<readonly string[]> {
  return (await cluster.events(agentId)).map((event) => event.type);
}

async function untilEvent(agentId: string, type: string): Promise<void> {
  await waitUntil(`${agentId} has an event ${type}`, async () =>
    (await types(agentId)).includes(type),
  );
}

/** Every Status that an agent ever had, by its events. */
async function neverDown(agentId: string): Promise<void> {
  const texts = (await cluster.events(agentId))
    .filter((event) => event.type === "status")
    .map((event) => event.text);
  expect(texts.filter((text) => text.includes("Down"))).toEqual([]);
}

describe("a network that is cut", () => {
  it.each([
    ["both ways", []],
    ["from the agent to the gateway", ["toServer"]],
  ] as const)(
    "%s - is silence: the agent is lost, asked about, and Up again when it is mended",
    async (name, directions) => {
      const agentId = `cut-${directions.length}`;
      await start(agentId, viaProxy);
      const before = await cluster.untilStatus(agentId, "Up");

      proxy.silence(...directions);
      const lost = await cluster.untilStatus(agentId, "Disconnected");
      expect(lost.statusReason, name).toContain("no ping");
      await untilEvent(agentId, "verdict");

      proxy.resume();
      const after = await cluster.untilStatus(agentId, "Up");
      expect(after.epoch).toBeGreaterThan(before.epoch ?? 0);
      await neverDown(agentId);
    },
  );

  it("from the gateway to the agent - the agent hears nothing any more, connects anew, and is never Down", async () => {
    await start("deaf", viaProxy);
    const before = await cluster.untilStatus("deaf", "Up");
    proxy.silence("toClient");
    await waitUntil("the agent has given its deaf socket up", () => proxy.connections() === 0, {
      timeoutMs: 90_000,
    });
    proxy.resume();
    await waitUntil("it is Up in a new session", async () => {
      const { status, epoch } = await cluster.agent("deaf");
      return status === "Up" && (epoch ?? 0) > (before.epoch ?? 0);
    });
    await neverDown("deaf");
  });
});

describe("a link that is half open", () => {
  it("is closed by the gateway once the agent was asked over it, and the late close changes nothing", async () => {
    const agent = await start("half-open", viaProxy);
    await cluster.untilStatus("half-open", "Up");
    proxy.silence();
    // The agent's own end is gone as well: nothing tells the gateway.
    agent.signal("SIGKILL");
    await cluster.untilStatus("half-open", "Disconnected");
    await untilEvent("half-open", "investigation");
    await start("half-open");
    const back = await cluster.untilStatus("half-open", "Up");
    proxy.resume();
    await untilEvent("half-open", "connected");
    expect((await cluster.agent("half-open")).epoch).toBe(back.epoch);
    expect((await cluster.agent("half-open")).status).toBe("Up");
  });
});

describe("an agent that is killed", () => {
  it("while nobody knows of its host stays Disconnected, is asked about again and again, and is Up when it is back", async () => {
    const agent = await start("killed");
    await cluster.untilStatus("killed", "Up");
    agent.signal("SIGKILL");
    await cluster.untilStatus("killed", "Disconnected");
    await waitUntil(
      "it was asked about twice",
      async () => (await types("killed")).filter((type) => type === "verdict").length >= 2,
    );
    expect((await cluster.agent("killed")).status).toBe("Disconnected");
    await start("killed");
    await cluster.untilStatus("killed", "Up");
    await neverDown("killed");
  });
});

describe("while an agent is being looked into", () => {
  it("a worker that is killed is replaced by another, which goes on with the investigation", async () => {
    const agent = await start("worker-gone");
    await cluster.untilStatus("worker-gone", "Up");
    agent.signal("SIGSTOP");
    await cluster.untilStatus("worker-gone", "Disconnected");
    worker.signal("SIGKILL");
    await worker.ended;
    worker = await cluster.startWorker();
    await untilEvent("worker-gone", "verdict");
    agent.signal("SIGCONT");
    await cluster.untilStatus("worker-gone", "Up");
    await neverDown("worker-gone");
  });

  it("a gateway that is killed and started again loses nobody: all are Up, and what was lost stays explained", async () => {
    const lost = await start("gateway-gone-lost");
    await start("gateway-gone-live");
    await cluster.untilStatus("gateway-gone-lost", "Up");
    const live = await cluster.untilStatus("gateway-gone-live", "Up");
    lost.signal("SIGKILL");
    await untilEvent("gateway-gone-lost", "investigation");
    gateway.signal("SIGKILL");
    await gateway.ended;
    gateway = await cluster.startGateway("gateway-1", gateway);
    await waitUntil("the live one is Up in a new session", async () => {
      const { status, epoch } = await cluster.agent("gateway-gone-live");
      return status === "Up" && (epoch ?? 0) > (live.epoch ?? 0);
    });
    await untilEvent("gateway-gone-lost", "verdict");
    const { body } = await cluster.call("GET", "agents/gateway-gone-lost/why");
    expect(body).toMatchObject({ loss: { lost: { rule: "socketLost" }, ended: null } });
    await neverDown("gateway-gone-live");
    await neverDown("gateway-gone-lost");
  });
});
