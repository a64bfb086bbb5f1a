import { setMaxListeners } from "node:events";
import type { Log } from "../telemetry/log.ts";
import { agentHome, occupyHome } from "./home.ts";
import { loadOrMakeSecret } from "./identity.ts";
import { createDial } from "./link.ts";
import type { SimOptions } from "./options.ts";
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
 * @throws AgentHomeError when another process runs the same fleet; WorldPortError when the world's port is taken.
 */
export async function runSim(
  options: SimOptions,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: SimReady) => void,
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
    };
    await runHosts(fleet, prefix, world, signal, onReady);
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
  onReady: ((ready: SimReady) => void) | undefined,
): Promise<void> {
  const { options } = fleet;
  const notYet = new Set<string>();
  const onOpen = (agentId: string) => {
    if (notYet.delete(agentId) && notYet.size === 0) {
      onReady?.({ agents: options.agents, worldUrl: world.url });
    }
  };
  const hosts = Array.from({ length: options.agents }, (_, i) => {
    const agentId = `${prefix}-${String(i + 1).padStart(4, "0")}`;
    notYet.add(agentId);
    return new SimulatedHost(fleet, agentId, placeOf(options, i));
  });
  for (const host of hosts) world.add(host.agentId, host);
  const pauseMs = 1_000 / (options.connectsPerSecond ?? 200);
  await Promise.all(
    hosts.map(async (host, index) => {
      await rest(index * pauseMs, signal);
      if (!signal.aborted) await host.run(signal, onOpen);
    }),
  );
}

/** Agents go round the zones, and within a zone round its clusters. */
function placeOf({ zones = 1, clustersPerZone = 1 }: SimOptions, index: number) {
  const zone = `zone-${(index % zones) + 1}`;
  const cluster = `${zone}-cluster-${(Math.floor(index / zones) % clustersPerZone) + 1}`;
  return { zone, cluster };
}
