import { setMaxListeners } from "node:events";
import type { Log } from "../telemetry/log.ts";
import { agentHome, occupyHome } from "./home.ts";
import { loadOrMakeSecret } from "./identity.ts";
import { createDial } from "./link.ts";
import type { Bounds, RehearsalOptions, SimOptions } from "./options.ts";
import { drawnPlace, drawnWhole, planRehearsal } from "./rehearsal/plan.ts";
import { rehearse, type SimNews } from "./rehearsal/rehearse.ts";
import { FleetTally } from "./rehearsal/tally.ts";
import { SimulatedHost, type Fleet } from "./simulated-host.ts";
import { softwareName } from "./software.ts";
import { rest } from "./time-limit.ts";
import { startWorld, type World } from "./world.ts";

/** Says that all simulated hosts have been connected. */
export interface SimReady {
  readonly agents: number;
  /** Where their power is switched. */
  readonly worldUrl: string;
}

/**
 * Runs many simulated hosts in one process until the signal aborts; then all say goodbye.
 * @param onReady called once, when every agent has been connected.
 * @param onNews called with what a rehearsal does and comes to; it begins when all are ready.
 * @throws AgentHomeError when another process runs the same fleet; WorldPortError when the world's port is taken.
 */
export async function runSim(
  options: SimOptions,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: SimReady) => void,
  onNews?: (news: SimNews) => void,
): Promise<void> {
  // Each agent listens to it, more than one emitter usually has.
  setMaxListeners(0, signal);
  const prefix = options.idPrefix ?? "sim";
  const home = agentHome(options.home, `${prefix}-fleet`);
  const letGo = await occupyHome(home);
  let world: World | undefined;
  try {
    world = await startWorld(options.worldPort ?? 0, log);
    const fleet: Fleet = {
      options,
      log,
      dial: createDial(options),
      software: `${softwareName()} sim`,
      masterSecret: await loadOrMakeSecret(home.secretFile, log),
      world: world.url,
      tally: new FleetTally(options.agents),
    };
    await runHosts(fleet, prefix, world, signal, { onReady, onNews });
  } finally {
    await world?.close();
    letGo();
  }
}

async function runHosts(
  fleet: Fleet,
  prefix: string,
  world: World,
  signal: AbortSignal,
  told: {
    readonly onReady: ((ready: SimReady) => void) | undefined;
    readonly onNews: ((news: SimNews) => void) | undefined;
  },
): Promise<void> {
  const { options } = fleet;
  const hosts = makeHosts(fleet, prefix);
  for (const host of hosts) world.add(host.agentId, host);
  const notYet = new Set(hosts.map(({ agentId }) => agentId));
  let rehearsing: Promise<void> | undefined;
  const onOpen = (agentId: string) => {
    if (!notYet.delete(agentId) || notYet.size > 0) return;
    told.onReady?.({ agents: options.agents, worldUrl: world.url });
    if (options.rehearsal === undefined) return;
    const steps = planRehearsal(wishesOf(options, options.rehearsal));
    const tell = told.onNews ?? (() => undefined);
    rehearsing = rehearse(hosts, steps, fleet.tally, tell, signal);
  };
  const pauseMs = 1_000 / (options.connectsPerSecond ?? 200);
  await Promise.all(
    hosts.map(async (host, index) => {
      await rest(index * pauseMs, signal);
      if (!signal.aborted) await host.run(signal, onOpen);
    }),
  );
  await rehearsing;
}

function makeHosts(fleet: Fleet, prefix: string): readonly SimulatedHost[] {
  const { options } = fleet;
  return Array.from({ length: options.agents }, (_, i) => {
    const agentId = `${prefix}-${String(i + 1).padStart(4, "0")}`;
    const { rehearsal } = options;
    return rehearsal === undefined
      ? new SimulatedHost(fleet, agentId, placeOf(options, i))
      : new SimulatedHost(
          fleet,
          agentId,
          drawnPlace(wishesOf(options, rehearsal), i),
          drawnConfig(rehearsal, i),
        );
  });
}

function wishesOf({ agents, zones = 1, clustersPerZone = 1 }: SimOptions, own: RehearsalOptions) {
  return { agents, zones, clustersPerZone, ...own };
}

/** What a host of a rehearsal is like, as settings of the resource `simulator`. */
function drawnConfig({ seed, vms, latencyMs }: RehearsalOptions, host: number) {
  const within = (what: string, { least, most }: Bounds): number =>
    drawnWhole(seed, `${what}/${host}`, least, most);
  return {
    ...(vms !== undefined && { vms: within("vms", vms) }),
    ...(latencyMs !== undefined && {
      faults: { "*": { delayMs: within("latency", latencyMs) } },
    }),
  };
}

/** Agents go round the zones, and within a zone round its clusters. */
function placeOf({ zones = 1, clustersPerZone = 1 }: SimOptions, index: number) {
  const zone = `zone-${(index % zones) + 1}`;
  const cluster = `${zone}-cluster-${(Math.floor(index / zones) % clustersPerZone) + 1}`;
  return { zone, cluster };
}
