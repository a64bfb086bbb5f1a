import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { runSim } from "../../../src/agent/run-sim.ts";
import type { RehearsalOptions } from "../../../src/agent/options.ts";
import type { SimNews } from "../../../src/agent/rehearsal/rehearse.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { afterTest, makeHome, startGateway } from "./agent-under-test.ts";
import type { FakeGateway } from "./fake-gateway.ts";

function startSim(
  gateway: FakeGateway,
  home: string,
  agents: number,
  rehearsal?: RehearsalOptions,
) {
  const news: SimNews[] = [];
  const stopping = new AbortController();
  let ready = 0;
  const ended = runSim(
    {
      agents,
      gateways: [gateway.url],
      home,
      frameBytesMax: 1_048_576,
      zones: 2,
      clustersPerZone: 2,
      connectsPerSecond: 1_000,
      config: { vms: 1 },
      rehearsal,
    },
    pino({ level: "silent" }),
    stopping.signal,
    (said) => (ready = said.agents),
    (said) => news.push(said),
  );
  ended.catch(() => undefined);
  const stop = async () => {
    stopping.abort();
    await ended;
  };
  afterTest(() => stop().catch(() => undefined));
  return {
    ended,
    stop,
    news,
    untilReady: () => waitUntil("the fleet is ready", () => ready > 0 && ready),
  };
}

describe("simulated fleet", () => {
  test("many agents in one process - all connect, spread over zones and clusters, all say goodbye", async () => {
    const gateway = await startGateway();
    const sim = startSim(gateway, makeHome().path, 40);
    expect(await sim.untilReady()).toBe(40);
    const places = new Map<string, number>();
    for (const { hello } of gateway.sessions) {
      const place = `${String(hello?.commands[0]?.["zone"])}/${String(hello?.commands[0]?.["cluster"])}`;
      places.set(place, (places.get(place) ?? 0) + 1);
    }
    expect(Object.fromEntries(places)).toEqual({
      "zone-1/zone-1-cluster-1": 10,
      "zone-1/zone-1-cluster-2": 10,
      "zone-2/zone-2-cluster-1": 10,
      "zone-2/zone-2-cluster-2": 10,
    });
    const ids = gateway.sessions.map(({ hello }) => hello?.hello?.agentId).sort();
    expect([ids[0], ids[39]]).toEqual(["sim-0001", "sim-0040"]);
    await sim.stop();
    expect(gateway.sessions.flatMap((session) => session.requests("Shutdown"))).toHaveLength(40);
  });

  test("secrets - differ between agents and stay over a restart", async () => {
    const gateway = await startGateway();
    const home = makeHome().path;
    const first = startSim(gateway, home, 3);
    await first.untilReady();
    await first.stop();
    const again = startSim(gateway, home, 3);
    await again.untilReady();
    const secretOf = new Map<string, Set<string>>();
    for (const { hello } of gateway.sessions) {
      const { agentId = "", credentials } = hello?.hello ?? {};
      secretOf.set(agentId, (secretOf.get(agentId) ?? new Set()).add(credentials?.secret ?? ""));
    }
    expect([...secretOf.values()].map((secrets) => secrets.size)).toEqual([1, 1, 1]);
    expect(new Set([...secretOf.values()].flatMap((secrets) => [...secrets])).size).toBe(3);
  });

  test("same fleet twice - the second refuses to start; idle agents keep no files", async () => {
    const gateway = await startGateway();
    const home = makeHome().path;
    const sim = startSim(gateway, home, 2);
    await sim.untilReady();
    await expect(startSim(gateway, home, 2).ended).rejects.toMatchObject({ code: "AGENT_RUNNING" });
    expect(readdirSync(join(home, "agents"))).toEqual(["sim-fleet"]);
  });

  test("rehearsal - who is killed says no goodbye and stays away; each step and the end are told", async () => {
    const gateway = await startGateway();
    const sim = startSim(gateway, makeHome().path, 20, {
      seed: 5,
      vms: { least: 0, most: 3 },
      lose: [],
      kill: { share: 0.2, atMs: 0 },
    });
    await sim.untilReady();
    const killed = await waitUntil("some are killed", () =>
      sim.news.find(({ event }) => event === "kill"),
    );
    expect(killed.hosts).toBe(4);
    await sim.stop();
    expect(sim.news.at(-1)).toMatchObject({ event: "end", agents: 20, refused: 0 });
    expect(gateway.sessions.flatMap((session) => session.requests("Shutdown"))).toHaveLength(16);
  });
});
