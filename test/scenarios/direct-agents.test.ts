/** Direct agents: run by one gateway at a time, whatever happens to it, and each for itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { isAlive } from "../helpers/is-alive.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { isCommand, TestAgent } from "../integration/gateway/test-agent.ts";
import { joinToken, useCluster, type Gateway } from "./cluster.ts";

const resource = fileURLToPath(new URL("direct-resource.mjs", import.meta.url));
const { cluster, home } = useCluster(() => ({
  MUSTER_DIRECT_RESOURCES: resource,
  // Longer than a busy machine takes to start a process: a move is none the wiser.
  MUSTER_PING_INTERVAL_MS: "5000",
}));
const gateways = new Map<string, Gateway>();

interface Effect {
  readonly id: string;
  readonly atMs: number;
  readonly pid: number;
}
interface Declared {
  readonly id: string;
  readonly gatewayId: string | null;
  readonly trouble: string | null;
}

function fileOf(agentId: string): string {
  return join(home(), `${agentId}.effects`);
}

function effects(agentId: string): readonly Effect[] {
  const lines = readFileSync(fileOf(agentId), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Effect);
}

async function declare(id: string, config: object = {}, kind = resource): Promise<void> {
  const body = { id, zone: "zone-1", cluster: `of-${id}`, resource: kind, config };
  const { status } = await cluster.call("POST", "direct-agents", body);
  expect(status).toBe(200);
}

async function declared(id: string): Promise<Declared> {
  return (await cluster.call("GET", `direct-agents/${id}`)).body as Declared;
}

function owned(id: string): Promise<Gateway> {
  return waitUntil(`${id} is owned`, async () =>
    gateways.get((await declared(id)).gatewayId ?? ""),
  );
}

/** The agent is Up in a later session than that. */
async function untilUpAfter(id: string, epoch: number): Promise<void> {
  await waitUntil(
    `${id} is Up in a session after ${epoch}`,
    async () => {
      const agent = await cluster.agent(id);
      return agent.status === "Up" && (agent.epoch ?? 0) > epoch;
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
}

/** Calls go to a gateway that is not about to be stopped. */
function askOtherThan(owner: Gateway): Gateway {
  const other = [...gateways.values()].find(({ pid }) => pid !== owner.pid);
  if (other === undefined) throw new Error("There is one gateway.");
  cluster.useApi(other);
  return other;
}

beforeAll(async () => {
  await cluster.startWorker();
  for (const id of ["gateway-1", "gateway-2"]) gateways.set(id, await cluster.startGateway(id));
});

describe("a direct agent", () => {
  it("is run by a gateway, takes Commands by any, and ends with its removal", async () => {
    await declare("sim-1", { vms: 3 }, "simulator");
    await cluster.untilStatus("sim-1", "Up");
    askOtherThan(await owned("sim-1"));
    const [answer] = await cluster.send("sim-1", [{ type: "ListVms" }]);
    expect(answer).toMatchObject({ type: "ListVmsAnswer", result: true });
    expect(answer?.["vms"]).toHaveLength(3);
    expect((await cluster.call("DELETE", "agents/sim-1")).body).toMatchObject({
      status: "Removed",
    });
    expect((await cluster.call("GET", "direct-agents/sim-1")).status).toBe(404);
  });

  it("that crashes or hangs is started again, and harms no other", async () => {
    for (const id of ["crashing", "hanging", "healthy"]) await declare(id, { file: fileOf(id) });
    for (const id of ["crashing", "hanging", "healthy"]) await cluster.untilStatus(id, "Up");
    const { epoch } = await cluster.agent("healthy");
    const troubles = [
      cluster.send("crashing", [{ type: "Crash" }]),
      cluster.send("hanging", [{ type: "Hang" }]),
    ];
    const [answer] = await cluster.send("healthy", [{ type: "Act" }], { waitSeconds: 10 });
    expect(answer).toMatchObject({ result: true });
    for (const [failed] of await Promise.all(troubles)) {
      expect(failed).toMatchObject({ outcome: "unknown", errorCode: "AGENT_CRASHED" });
    }
    for (const id of ["crashing", "hanging"]) {
      await cluster.untilStatus(id, "Up");
      expect((await cluster.send(id, [{ type: "Act" }]))[0]).toMatchObject({ result: true });
    }
    expect(await cluster.agent("healthy")).toMatchObject({ status: "Up", epoch });
  });
});

describe("the owner of a direct agent", () => {
  it("stopped for longer than its lease - is replaced, and never do two act", async () => {
    await declare("stopped", { file: fileOf("stopped"), acts: true });
    await cluster.untilStatus("stopped", "Up");
    const owner = await owned("stopped");
    const other = askOtherThan(owner);
    const { epoch } = await cluster.agent("stopped");
    const child = effects("stopped").at(-1)?.pid ?? 0;
    const dialled = await TestAgent.connect(owner.agentUrl, { joinToken });
    const { agentId, secret } = dialled;
    await cluster.untilStatus(agentId, "Up");
    // The gateway and, a little later, its agent's process, which believes then that it may act.
    owner.signal("SIGSTOP");
    process.kill(child, "SIGSTOP");
    // What waits for it in its sockets, and in Temporal, when it wakes.
    const command = { type: "StopVm", vm: "vm-1", id: crypto.randomUUID() };
    const durable = cluster.send(agentId, [command]);
    dialled.ping();
    const path = `agents/${agentId}/commands`;
    const commands = [{ type: "ListVms" }];
    const direct = cluster.call("POST", path, { commands, lane: "direct" }, owner.apiUrl);
    await untilUpAfter("stopped", epoch ?? 0);
    await waitUntil("it is given up", async () => (await standingOf(owner)) === "lost");
    const before = effects("stopped").length;
    const seen = dialled.frames.length;
    process.kill(child, "SIGCONT");
    owner.signal("SIGCONT");
    expect(await dialled.untilClosed()).toMatchObject({ code: 1001 });
    expect(dialled.frames.slice(seen)).toEqual([]);
    expect(await direct).toMatchObject({ status: 503, body: { code: "NOT_READY" } });
    const back = await TestAgent.connect(other.agentUrl, { agentId, secret });
    const stop = await back.next("the Command", (frame) => isCommand(frame, "StopVm"));
    back.respond(stop, [{ type: "StopVmAnswer", result: true }]);
    expect(await durable).toMatchObject([{ commandId: command.id, result: true }]);
    back.close();
    await waitUntil("the earlier process is gone", () => !isAlive(child));
    await waitUntil("the new one goes on", () => effects("stopped").length > before + 20);
    const all = effects("stopped");
    const last = Math.max(...all.filter(({ pid }) => pid === child).map(({ atMs }) => atMs));
    const next = Math.min(...all.filter(({ pid }) => pid !== child).map(({ atMs }) => atMs));
    expect(next).toBeGreaterThan(last);
    await waitUntil(
      "the stopped gateway is there again",
      async () => (await fetch(`${owner.apiUrl}/readyz`)).ok,
    );
  });

  it("drained - hands it over without its being lost, and a Command that is under way is seen through", async () => {
    await declare("moved", { file: fileOf("moved") });
    await cluster.untilStatus("moved", "Up");
    const owner = await owned("moved");
    const ownerId = (await declared("moved")).gatewayId;
    const losses = async () =>
      (await cluster.events("moved")).filter(({ type }) => type === "status").length;
    const before = await losses();
    const { epoch } = await cluster.agent("moved");
    const under = cluster.send("moved", [{ type: "Wait", forMs: 3_000 }]);
    await cluster.call("POST", `gateways/${ownerId}/drain`, {});
    await untilUpAfter("moved", epoch ?? 0);
    expect((await under)[0]).toMatchObject({ type: "WaitAnswer", result: true });
    expect((await owned("moved")).pid).not.toBe(owner.pid);
    expect((await cluster.send("moved", [{ type: "Act" }]))[0]).toMatchObject({ result: true });
    expect(await losses()).toBe(before);
    await cluster.call("DELETE", `gateways/${ownerId}/drain`);
  });

  it("killed with a Command under way - is replaced, and the Command is answered unknown, not run twice", async () => {
    await declare("killed", { file: fileOf("killed") });
    await cluster.untilStatus("killed", "Up");
    const owner = await owned("killed");
    askOtherThan(owner);
    const { epoch } = await cluster.agent("killed");
    const id = crypto.randomUUID();
    const requestId = crypto.randomUUID();
    const call = cluster.send("killed", [{ type: "Wait", id, forMs: 60_000 }], { requestId });
    await waitUntil("it is under way", async () => {
      const { status } = await cluster.call("GET", `requests/${requestId}`);
      return status === 200 && readFileSync(journalOf(owner, "killed"), "utf8").includes(id);
    });
    owner.signal("SIGKILL");
    await untilUpAfter("killed", epoch ?? 0);
    expect((await call)[0]).toMatchObject({ outcome: "unknown", errorCode: "OWNER_CHANGED" });
    expect((await cluster.send("killed", [{ type: "Act" }]))[0]).toMatchObject({ result: true });
    expect(effects("killed").filter((effect) => effect.id === id)).toEqual([]);
  });
});

describe("gateways that come", () => {
  it("one that joins - gets its share of the direct agents, and no agent is lost for it", async () => {
    for (const id of ["even-1", "even-2", "even-3", "even-4"]) await declare(id, {}, "simulator");
    for (const id of ["even-1", "even-2", "even-3", "even-4"]) await cluster.untilStatus(id, "Up");
    const joined = await cluster.startGateway("gateway-3");
    gateways.set("gateway-3", joined);
    let counts: readonly number[] = [];
    await waitUntil(
      () => `they are evened out, now ${counts.join(" and ")}`,
      async () => {
        counts = await directAgentsOfEach();
        return counts.length === 2 && Math.max(...counts) - Math.min(...counts) <= 1;
      },
      { timeoutMs: 120_000, everyMs: 200 },
    );
    for (const id of ["even-1", "even-2", "even-3", "even-4"]) {
      expect((await cluster.agent(id)).status).toBe("Up");
      const losses = (await cluster.events(id)).filter(({ type }) => type === "disconnected");
      expect(losses).toEqual([]);
    }
  });

  it("one under the id of another - takes its place: the older one ends with 1 and says what to change", async () => {
    const older = gateways.get("gateway-3");
    const newer = await cluster.startGateway("gateway-3");
    gateways.set("gateway-3", newer);
    expect(await older?.ended).toBe(1);
    expect(older?.log()).toMatch(
      /^muster: Another process runs as gateway gateway-3\..*MUSTER_GATEWAY_ID.*\[GATEWAY_REPLACED\]$/m,
    );
    const shown = (await cluster.call("GET", "gateways")).body as GatewayList;
    expect(shown.gateways.filter(({ id }) => id === "gateway-3")).toMatchObject([
      { standing: "up", apiUrl: newer.ready["apiUrl"] },
    ]);
    for (const id of ["even-1", "even-2", "even-3", "even-4"]) await cluster.untilStatus(id, "Up");
  });
});

interface GatewayList {
  readonly gateways: readonly {
    readonly id: string;
    readonly apiUrl: string;
    readonly standing: string;
  }[];
}

async function standingOf({ ready }: Gateway): Promise<string | undefined> {
  const { gateways: all } = (await cluster.call("GET", "gateways")).body as GatewayList;
  return all.find(({ apiUrl }) => apiUrl === ready["apiUrl"])?.standing;
}

/** How many the gateways that are up run. */
async function directAgentsOfEach(): Promise<readonly number[]> {
  const { gateways: all } = (await cluster.call("GET", "gateways")).body as GatewayList;
  const { directAgents } = (await cluster.call("GET", "direct-agents")).body as {
    readonly directAgents: readonly Declared[];
  };
  return all
    .filter(({ standing }) => standing === "up")
    .map(({ id }) => directAgents.filter(({ gatewayId }) => gatewayId === id).length);
}

function journalOf(owner: Gateway, agentId: string): string {
  const gatewayId = [...gateways].find(([, { pid }]) => pid === owner.pid)?.[0] ?? "";
  return join(home(), "direct-agents", gatewayId, "agents", agentId, "journal.jsonl");
}
