import { setMaxListeners } from "node:events";
import type { Log } from "../telemetry/log.ts";
import { ChildSlice } from "./fleet/child-slice.ts";
import type { FleetSlice } from "./fleet/fleet-slice.ts";
import { HostsHere } from "./fleet/hosts-here.ts";
import { processesFor } from "./fleet/slices.ts";
import { WholeFleet } from "./fleet/whole-fleet.ts";
import { agentHome, occupyHome } from "./home.ts";
import { loadOrMakeSecret } from "./identity.ts";
import type { SimOptions } from "./options.ts";
import { planRehearsal } from "./rehearsal/plan.ts";
import { rehearse, type SimNews } from "./rehearsal/rehearse.ts";
import { withTimeLimit } from "./time-limit.ts";
import { startWorld, type World } from "./world.ts";

/** Says that all simulated hosts have been connected. */
export interface SimReady {
  readonly agents: number;
  /** How many processes simulate them. */
  readonly processes: number;
  /** Where their power is switched. */
  readonly worldUrl: string;
}

/** A process that hangs must not keep the others from being stopped. */
const lastCountMsMax = 2_000;

/**
 * Runs many simulated hosts, in this process or in children of it, until the signal aborts; then all say goodbye.
 * @param onReady called once, when every agent has been connected.
 * @param onNews called with what a rehearsal does and comes to; it begins when all are ready.
 * @throws AgentHomeError when another process runs the same fleet; WorldPortError when the world's port is taken;
 * SimProcessError when a child ended by itself: then all others are stopped first.
 */
export async function runSim(
  options: SimOptions,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: SimReady) => void,
  onNews?: (news: SimNews) => void,
): Promise<void> {
  const { idPrefix: prefix = "sim", agents } = options;
  const home = agentHome(options.home, `${prefix}-fleet`);
  const letGo = await occupyHome(home);
  let world: World | undefined;
  try {
    const fleet = new WholeFleet(prefix, agents);
    world = await startWorld(options.worldPort ?? 0, fleet, log);
    const worldUrl = world.url;
    const masterSecret = await loadOrMakeSecret(home.secretFile, log);
    const processes = processesFor(agents, options.processes, openFilesMax());
    const slices = Array.from({ length: processes }, (_, index): FleetSlice => {
      const slice = { index, of: processes };
      const order = { options, slice, masterSecret, world: worldUrl };
      return processes === 1 ? new HostsHere(order, log) : new ChildSlice(order, fleet, log);
    });
    fleet.consistOf(slices);
    const run = new FleetRun(options, fleet, slices, log);
    await run.run(signal, () => onReady?.({ agents, processes, worldUrl }), onNews);
  } finally {
    await world?.close();
    letGo();
  }
}

/** Runs the slices of a fleet together: what ends one ends all. */
class FleetRun {
  readonly #options: SimOptions;
  readonly #fleet: WholeFleet;
  readonly #slices: readonly FleetSlice[];
  readonly #log: Log;
  #rehearsing: Promise<void> = Promise.resolve();

  constructor(options: SimOptions, fleet: WholeFleet, slices: readonly FleetSlice[], log: Log) {
    this.#options = options;
    this.#fleet = fleet;
    this.#slices = slices;
    this.#log = log;
  }

  /** @throws what ended the first slice that failed, once all have ended. */
  async run(
    signal: AbortSignal,
    onReady: () => void,
    onNews: (news: SimNews) => void = () => undefined,
  ): Promise<void> {
    const failing = new AbortController();
    const over = AbortSignal.any([signal, failing.signal]);
    const stopping = this.#stopAfterLastCount(over);
    let notYet = this.#slices.length;
    const onOpen = (): void => {
      if (--notYet > 0) return;
      onReady();
      this.#rehearse(over, onNews);
    };
    const failures: unknown[] = [];
    await Promise.all(
      this.#slices.map((slice) =>
        slice.run(stopping, onOpen).catch((error: unknown) => {
          if (failures.push(error) > 1) return;
          this.#log.error({ err: error }, "a part of the simulated fleet is gone: all is stopped");
          failing.abort();
        }),
      ),
    );
    await this.#rehearsing;
    if (failures.length > 0) throw failures[0];
  }

  #rehearse(signal: AbortSignal, tell: (news: SimNews) => void): void {
    const { agents, zones = 1, clustersPerZone = 1, rehearsal } = this.#options;
    if (rehearsal === undefined) return;
    const steps = planRehearsal({ agents, zones, clustersPerZone, ...rehearsal });
    this.#rehearsing = rehearse(this.#fleet, steps, tell, signal);
  }

  /** Aborted after `over`, when the hosts were counted for the last time: who has said goodbye counts as lost. */
  #stopAfterLastCount(over: AbortSignal): AbortSignal {
    const stopping = new AbortController();
    // Each slice listens, and more.
    setMaxListeners(0, over, stopping.signal);
    const stop = async (): Promise<void> => {
      await withTimeLimit(this.#rehearsing, lastCountMsMax, "The last count").catch(
        () => undefined,
      );
      stopping.abort();
    };
    if (over.aborted) void stop();
    else over.addEventListener("abort", () => void stop(), { once: true });
    return stopping.signal;
  }
}

/** How many files one process may have open (`ulimit -n`; Node raises the soft limit to the hard one); absent: unknown. */
function openFilesMax(): number | undefined {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } };
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : undefined;
}
