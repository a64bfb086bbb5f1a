import { setMaxListeners } from "node:events";
import type { VmInfo } from "../../api/index.ts";
import type { HostsElsewhere, Refusal } from "../../resources/index.ts";
import type { Log } from "../../telemetry/log.ts";
import { createDial } from "../link.ts";
import type { Bounds, RehearsalOptions, SimOptions } from "../options.ts";
import type { Power } from "../power-switch.ts";
import { drawnPlace, drawnWhole, type StepType } from "../rehearsal/plan.ts";
import { SliceTally, type TallyNews } from "../rehearsal/tally.ts";
import { SimulatedHost, type SharedByHosts } from "../simulated-host.ts";
import { softwareName } from "../software.ts";
import { rest } from "../time-limit.ts";
import type { FleetSlice, HostPower, HostView } from "./fleet-slice.ts";
import type { SliceOrder } from "./slice-messages.ts";
import { hostId, hostsOf } from "./slices.ts";

/** A slice of a fleet, simulated in this process. */
export class HostsHere implements FleetSlice {
  readonly #options: SimOptions;
  readonly #hosts: ReadonlyMap<number, SimulatedHost>;
  readonly #tally = new SliceTally();

  /** @param elsewhere knows the fleet's other hosts; absent when there are none. */
  constructor(
    { options, slice, masterSecret, world }: SliceOrder,
    log: Log,
    elsewhere?: HostsElsewhere,
  ) {
    this.#options = options;
    const shared: SharedByHosts = {
      ...{ options, log, masterSecret, world, elsewhere },
      dial: createDial(options),
      software: `${softwareName()} sim`,
      tally: this.#tally,
    };
    const numbers = hostsOf(slice, options.agents);
    this.#hosts = new Map(numbers.map((number) => [number, makeHost(shared, number)]));
  }

  async run(signal: AbortSignal, onOpen: () => void): Promise<void> {
    // Each agent listens to it, more than one emitter usually has.
    setMaxListeners(0, signal);
    const notYet = new Set([...this.#hosts.values()].map(({ agentId }) => agentId));
    const onHostOpen = (agentId: string): void => {
      if (notYet.delete(agentId) && notYet.size === 0) onOpen();
    };
    // By its number in the fleet: however many processes there are, the fleet connects at one pace.
    const pauseMs = 1_000 / (this.#options.connectsPerSecond ?? 200);
    await Promise.all(
      [...this.#hosts].map(async ([number, host]) => {
        await rest(number * pauseMs, signal);
        if (!signal.aborted) await host.run(signal, onHostOpen);
      }),
    );
  }

  strike(type: StepType, hosts: readonly number[]): void {
    for (const number of hosts) {
      const host = this.#hosts.get(number);
      if (host !== undefined) strikeHost(host, type);
    }
  }

  news(): Promise<TallyNews> {
    return Promise.resolve(this.#tally.takeNews());
  }

  powers(): Promise<readonly HostPower[]> {
    const hosts = [...this.#hosts.values()];
    return Promise.resolve(hosts.map(({ agentId, power }) => ({ id: agentId, power })));
  }

  look(number: number): Promise<HostView | undefined> {
    const host = this.#hosts.get(number);
    return Promise.resolve(host && { id: host.agentId, power: host.power, vms: host.vms() });
  }

  setPower(number: number, power: Power): Promise<HostView | undefined> {
    this.#hosts.get(number)?.setPower(power);
    return this.look(number);
  }

  isThere(number: number): Promise<boolean> {
    return Promise.resolve(this.#hosts.get(number)?.isThere ?? false);
  }

  receive(number: number, commandId: string, vm: VmInfo): Promise<Refusal | undefined> {
    const host = this.#hosts.get(number);
    return Promise.resolve(
      host === undefined
        ? { code: "DESTINATION_NOT_FOUND", message: `There is no host ${number}.` }
        : host.receive(commandId, vm),
    );
  }
}

function strikeHost(host: SimulatedHost, type: StepType): void {
  switch (type) {
    case "silence":
      host.setNetwork("silent");
      return;
    case "drop":
      host.setNetwork("down");
      return;
    case "voice":
    case "raise":
      host.setNetwork("up");
      return;
    case "kill":
      host.setPower("off");
      return;
  }
}

function makeHost(shared: SharedByHosts, number: number): SimulatedHost {
  const { options } = shared;
  const { agents, idPrefix = "sim", zones = 1, clustersPerZone = 1, rehearsal } = options;
  const agentId = hostId(idPrefix, number);
  if (rehearsal === undefined) return new SimulatedHost(shared, agentId, placeOf(options, number));
  const place = drawnPlace({ agents, zones, clustersPerZone, ...rehearsal }, number);
  return new SimulatedHost(shared, agentId, place, drawnConfig(rehearsal, number));
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
