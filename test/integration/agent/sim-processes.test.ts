/** A simulated fleet in several processes: it does what it does in one. */
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import type { VmInfo } from "../../../src/api/index.ts";
import { hostId } from "../../../src/agent/fleet/slices.ts";
import type { RehearsalOptions } from "../../../src/agent/options.ts";
import { planRehearsal, type StepType } from "../../../src/agent/rehearsal/plan.ts";
import type { SimNews } from "../../../src/agent/rehearsal/rehearse.ts";
import { runSim, type SimReady } from "../../../src/agent/run-sim.ts";
import { isAlive } from "../../helpers/is-alive.ts";
import { startMuster } from "../../helpers/processes.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { afterTest, makeHome, startGateway } from "./agent-under-test.ts";
import type { FakeGateway, FakeSession } from "./fake-gateway.ts";

interface Wanted {
  readonly agents: number;
  readonly processes: number;
  readonly rehearsal?: RehearsalOptions;
}

async function startSim(gateway: FakeGateway, { agents, processes, rehearsal }: Wanted) {
  const stopping = new AbortController();
  const news: SimNews[] = [];
  let ready: SimReady | undefined;
  const before = childrenOf(process.pid);
  const ended = runSim(
    {
      ...{ agents, processes, rehearsal, gateways: [gateway.url], home: makeHome().path },
      ...{ frameBytesMax: 1_048_576, connectsPerSecond: 1_000 },
      ...{ zones: 2, clustersPerZone: 1, config: { vms: 1 } },
    },
    pino({ level: "silent" }),
    stopping.signal,
    (said) => (ready = said),
    (said) => news.push(said),
  );
  ended.catch(() => undefined);
  const stop = async () => {
    stopping.abort();
    await ended;
  };
  afterTest(() => stop().catch(() => undefined));
  const { worldUrl, ...said } = await waitUntil("the fleet is ready", () => ready, {
    timeoutMs: 60_000,
  });
  expect(said).toEqual({ agents, processes });
  const children = childrenOf(process.pid).filter((pid) => !before.includes(pid));
  return { ended, stop, news, worldUrl, children };
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

function goodbyes(gateway: FakeGateway): number {
  return gateway.sessions.flatMap((session) => session.requests("Shutdown")).length;
}

/** The first session of each agent, by its id. */
function firstSessions(gateway: FakeGateway): ReadonlyMap<string, FakeSession> {
  const first = new Map<string, FakeSession>();
  for (const session of gateway.sessions) {
    const id = session.hello?.hello?.agentId ?? "";
    if (!first.has(id)) first.set(id, session);
  }
  return first;
}

async function switchPower(worldUrl: string, id: string, power: "on" | "off") {
  const response = await fetch(`${worldUrl}/hosts/${id}/power`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ power }),
  });
  expect(response.status).toBe(200);
}

async function vmsAt(worldUrl: string, id: string): Promise<readonly string[]> {
  const host = await (await fetch(`${worldUrl}/hosts/${id}`)).json();
  return (host as { vms: readonly VmInfo[] }).vms.map(({ name }) => name);
}

describe("simulated fleet in several processes", () => {
  test("hosts of different processes - are one fleet: same names, neighbours, migrations, world", async () => {
    const gateway = await startGateway();
    const { worldUrl, children, stop } = await startSim(gateway, { agents: 5, processes: 2 });
    expect(children).toHaveLength(2);
    const sessions = firstSessions(gateway);
    const ids = ["sim-0001", "sim-0002", "sim-0003", "sim-0004", "sim-0005"];
    expect([...sessions.keys()].sort()).toEqual(ids);
    expect(await (await fetch(`${worldUrl}/hosts`)).json()).toEqual({
      hosts: ids.map((id) => ({ id, power: "on" })),
    });
    const first = sessions.get("sim-0001");
    const look = async (seq: number, agentId: string) => {
      first?.direct(seq, [{ type: "CheckOnHost", id: "look", host: { agentId } }]);
      return (await first?.answers("direct", seq))?.[0];
    };
    const vm = "sim-0001-vm-1";
    const migrate = async (seq: number, destination: string) => {
      first?.durable(seq, [{ type: "MigrateVm", id: `migrate-${seq}`, vm, destination }]);
      return (await first?.answers("durable", seq))?.[0];
    };

    // Number 2 runs in the other process, number 3 in the same one.
    expect(await look(1, "sim-0002")).toMatchObject({ result: true, seen: true });
    expect(await look(2, "sim-0003")).toMatchObject({ result: true, seen: true });
    expect(await look(3, "sim-0006")).toMatchObject({ result: true, seen: false });
    await switchPower(worldUrl, "sim-0002", "off");
    expect(await look(4, "sim-0002")).toMatchObject({ result: true, seen: false });

    expect(await migrate(1, "sim-0002")).toMatchObject({
      result: false,
      errorCode: "DESTINATION_NOT_FOUND",
    });
    expect(await migrate(2, "sim-0004")).toMatchObject({ result: true });
    expect(await vmsAt(worldUrl, "sim-0001")).toEqual([]);
    expect(await vmsAt(worldUrl, "sim-0004")).toEqual(["sim-0004-vm-1", vm]);

    await stop();
    expect(goodbyes(gateway)).toBe(4);
    expect(children.filter(isAlive)).toEqual([]);
  });

  test("one seed - hits the same hosts in one process and in two, and it is counted as one fleet", async () => {
    const agents = 30;
    const rehearsal: RehearsalOptions = {
      seed: 3,
      vms: { least: 0, most: 9 },
      lose: [{ zone: "zone-2", atMs: 0 }],
      kill: { share: 0.2, atMs: 0 },
      flap: { share: 0.6, atMs: 0, forMs: 1_500 },
    };
    const steps = planRehearsal({ agents, zones: 2, clustersPerZone: 1, ...rehearsal });
    const hit = (...types: readonly StepType[]) =>
      [
        ...new Set(steps.filter(({ type }) => types.includes(type)).flatMap(({ hosts }) => hosts)),
      ].map((host) => hostId("sim", host));
    const cutOff = hit("kill", "drop").sort();
    const heard = agents - new Set([...cutOff, ...hit("silence")]).size;
    expect([cutOff.length > 6, heard > 9]).toEqual([true, true]);

    const rehearseIn = async (processes: number) => {
      const gateway = await startGateway();
      const { news, stop } = await startSim(gateway, { agents, processes, rehearsal });
      const sessions = firstSessions(gateway);
      const closed: string[] = [];
      for (const [id, session] of sessions) void session.closed.then(() => closed.push(id));
      const told = (wanted: StepType) => news.filter(({ event }) => event === wanted).length;
      await waitUntil("the last are cut off", () => told("drop") === 2 && told("kill") === 1);
      await waitUntil("the gateway has seen it", () => closed.length === cutOff.length);
      expect(closed.sort()).toEqual(cutOff);
      for (const session of sessions.values()) session.direct(1, [{ type: "ListVms", id: "l" }]);
      const lists = () =>
        [...sessions].flatMap(([id, session]) => {
          const answer = session.responses("direct", 1)[0]?.answers[0] as
            { readonly vms?: readonly VmInfo[] } | undefined;
          return answer === undefined ? [] : [[id, answer.vms?.length] as const];
        });
      await waitUntil("all that are heard have answered", () => lists().length === heard);
      await stop();
      expect(news.at(-1)).toMatchObject({ event: "end", agents, refused: 0, commands: heard });
      return Object.fromEntries(lists());
    };
    const [one, two] = await Promise.all([rehearseIn(1), rehearseIn(2)]);
    expect(two).toEqual(one);
    expect(new Set(Object.values(one)).size).toBeGreaterThan(2);
  });

  test("a process that is killed - is named, and ends the fleet: the others say goodbye", async () => {
    const gateway = await startGateway();
    const { ended, children } = await startSim(gateway, { agents: 5, processes: 2 });
    process.kill(children[1] ?? 0, "SIGKILL");
    await expect(ended).rejects.toMatchObject({ code: "SIM_PROCESS_ENDED" });
    await expect(ended).rejects.toThrow(/2 hosts \(sim-0002, sim-0004\) ended: SIGKILL/);
    expect(goodbyes(gateway)).toBe(3);
    expect(children.filter(isAlive)).toEqual([]);
  });

  test("the parent is killed - its children end, too; stopped, it stops them first", async () => {
    const gateway = await startGateway();
    const run = async () =>
      await startMuster(["sim", "--agents", "4", "--processes", "2", "--gateway", gateway.url], {
        env: { MUSTER_HOME: makeHome().path, MUSTER_JOIN_TOKEN: "join-token-of-this-test" },
      });
    const [killed, stopped] = await Promise.all([run(), run()]);
    expect(stopped.ready).toMatchObject({ agents: 4, processes: 2 });
    const orphans = childrenOf(killed.pid);
    const children = childrenOf(stopped.pid);
    expect([orphans.length, children.length]).toEqual([2, 2]);
    killed.signal("SIGKILL");
    await waitUntil("its children are gone", () => !orphans.some(isAlive));
    expect(goodbyes(gateway)).toBe(0);
    // As Ctrl-C does: the whole group is told.
    for (const pid of children) process.kill(pid, "SIGINT");
    expect(await stopped.stop("SIGINT")).toBe(0);
    expect(goodbyes(gateway)).toBe(4);
    expect(children.filter(isAlive)).toEqual([]);
  });
});
