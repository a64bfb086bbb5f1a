import { createHmac } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Log } from "../telemetry/log.ts";
import { loadBuiltIn } from "../resources/index.ts";
import { Container } from "./container.ts";
import { ResourceLoadError } from "./errors.ts";
import { agentHome, makePrivateDirectory } from "./home.ts";
import { loadOrMakeSecret } from "./identity.ts";
import { Journal } from "./journal.ts";
import { createDial, type Dial } from "./link.ts";
import { takeLock } from "./lock.ts";
import type { SimOptions } from "./options.ts";
import { ResourceSet } from "./resource-set.ts";
import { softwareName } from "./software.ts";
import { rest } from "./time-limit.ts";

/** What all agents of the process share. */
interface Fleet {
  readonly options: SimOptions;
  readonly log: Log;
  readonly dial: Dial;
  readonly software: string;
  /** The agents' secrets are derived from it, so that ten thousand agents need one file. */
  readonly masterSecret: string;
}

/**
 * Runs many simulated hosts in one process until the signal aborts; then all say goodbye.
 * @param onReady called once, when every agent has been connected.
 * @throws AgentHomeError when another process runs the same fleet.
 */
export async function runSim(
  options: SimOptions,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: { readonly agents: number }) => void,
): Promise<void> {
  // Each agent listens to it, more than one emitter usually has.
  setMaxListeners(0, signal);
  const prefix = options.idPrefix ?? "sim";
  const home = agentHome(options.home, `${prefix}-fleet`);
  makePrivateDirectory(home.directory);
  const letGo = takeLock(home.lockFile);
  try {
    const fleet: Fleet = {
      options,
      log,
      dial: createDial(options),
      software: `${softwareName()} sim`,
      masterSecret: await loadOrMakeSecret(home.secretFile, log),
    };
    const notYet = new Set<string>();
    const onOpen = (agentId: string) => {
      if (notYet.delete(agentId) && notYet.size === 0) onReady?.({ agents: options.agents });
    };
    const ids = Array.from(
      { length: options.agents },
      (_, i) => `${prefix}-${String(i + 1).padStart(4, "0")}`,
    );
    for (const id of ids) notYet.add(id);
    const pauseMs = 1_000 / (options.connectsPerSecond ?? 200);
    await Promise.all(
      ids.map(async (agentId, index) => {
        await rest(index * pauseMs, signal);
        if (signal.aborted) return;
        const container = await simulatedHost(fleet, agentId, index, onOpen);
        await container.run(signal);
      }),
    );
  } finally {
    letGo();
  }
}

async function simulatedHost(
  { options, log, dial, software, masterSecret }: Fleet,
  agentId: string,
  index: number,
  onOpen: (agentId: string) => void,
): Promise<Container> {
  const factory = loadBuiltIn("simulator");
  if (factory === undefined) throw new ResourceLoadError("The resource simulator is missing.");
  const home = agentHome(options.home, agentId);
  const journal = new Journal(home.journalFile, log);
  await journal.load();
  // Names of VMs are unique in the whole fleet, so that they can move to any host of it.
  const config = { vmPrefix: `${agentId}-vm-`, ...options.config };
  const resource = await factory({ agentId, config });
  const secret = createHmac("sha256", masterSecret).update(agentId).digest("base64url");
  return new Container({
    agentId,
    gateways: options.gateways,
    credentials: {
      secret,
      ...(options.joinToken !== undefined && { joinToken: options.joinToken }),
    },
    software,
    resources: new ResourceSet([resource], placeOf(options, index), log),
    journal,
    dial,
    frameBytesMax: options.frameBytesMax,
    log: log.child({ agentId }),
    shutdownReason: options.shutdownReason,
    onOpen: () => {
      onOpen(agentId);
    },
  });
}

/** Agents go round the zones, and within a zone round its clusters. */
function placeOf({ zones = 1, clustersPerZone = 1 }: SimOptions, index: number) {
  const zone = `zone-${(index % zones) + 1}`;
  const cluster = `${zone}-cluster-${(Math.floor(index / zones) % clustersPerZone) + 1}`;
  return { zone, cluster };
}
