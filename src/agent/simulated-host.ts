/** One host of `muster sim`: an agent with a simulated machine, started anew each time that its power comes back. */
import { createHmac } from "node:crypto";
import type { ServerResource, VmInfo } from "../api/index.ts";
import {
  loadSimulatedMachine,
  type HostsElsewhere,
  type Refusal,
  type SimulatedMachine,
} from "../resources/index.ts";
import type { Log } from "../telemetry/log.ts";
import { Container } from "./container.ts";
import { agentHome } from "./home.ts";
import { Journal } from "./journal.ts";
import type { Dial } from "./link.ts";
import { ManagerPort } from "./manager-port.ts";
import type { SimOptions } from "./options.ts";
import { PowerSwitch, type Power } from "./power-switch.ts";
import { HostNetwork, type NetworkState } from "./rehearsal/network.ts";
import type { SliceTally } from "./rehearsal/tally.ts";
import { ResourceSet, type Place } from "./resource-set.ts";
import { orAborted } from "./time-limit.ts";

/** What all agents of the process share. */
export interface SharedByHosts {
  readonly options: SimOptions;
  readonly log: Log;
  readonly dial: Dial;
  readonly software: string;
  /** The agents' secrets are derived from it, so that ten thousand agents need one file. */
  readonly masterSecret: string;
  /** URL of the world, for Investigators. */
  readonly world: string;
  readonly tally: SliceTally;
  /** The fleet's hosts that other processes simulate. */
  readonly elsewhere: HostsElsewhere | undefined;
}

export class SimulatedHost {
  readonly agentId: string;
  readonly #shared: SharedByHosts;
  readonly #place: Place;
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #power = new PowerSwitch();
  readonly #network = new HostNetwork();
  readonly #manager = new ManagerPort();
  #machine: SimulatedMachine | undefined;

  /** @param config its own settings, beside what all share. */
  constructor(
    shared: SharedByHosts,
    agentId: string,
    place: Place,
    config: Readonly<Record<string, unknown>> = {},
  ) {
    this.agentId = agentId;
    this.#config = config;
    this.#shared = shared;
    this.#place = place;
  }

  get power(): Power {
    return this.#power.power;
  }

  /** Off: its agent is gone without goodbye and its VMs are off. On: the agent comes back, the VMs stay off. */
  setPower(power: Power): void {
    if (!this.#power.set(power)) return;
    if (power === "off") this.#machine?.losePower();
    this.#shared.log.info({ agentId: this.agentId, power }, "power switched");
  }

  /** Silent: nothing gets through, and no socket is closed. Down: sockets end, and none opens. */
  setNetwork(state: NetworkState): void {
    this.#network.change(state);
  }

  vms(): readonly VmInfo[] {
    return this.#machine?.vms() ?? [];
  }

  /** What its neighbours see of it. */
  get isThere(): boolean {
    return this.#machine?.isThere ?? false;
  }

  /** Takes in a VM from a host of another process, or says why not. */
  receive(commandId: string, vm: VmInfo): Refusal | undefined {
    if (this.#machine !== undefined) return this.#machine.receive(commandId, vm);
    return { code: "DESTINATION_NOT_FOUND", message: `${this.agentId} has not started yet.` };
  }

  /** Runs until the signal aborts, then says goodbye, if it has power to. */
  async run(signal: AbortSignal, onOpen: (agentId: string) => void): Promise<void> {
    const { options, world, elsewhere } = this.#shared;
    // Names of VMs are unique in the whole fleet, so that they can move to any host of it.
    const config = { vmPrefix: `${this.agentId}-vm-`, ...options.config, ...this.#config, world };
    const context = { agentId: this.agentId, config, manager: this.#manager };
    this.#machine = await loadSimulatedMachine(context, elsewhere);
    const counted = countCommands(this.#machine, this.#shared.tally);
    const resources = new ResourceSet([counted], this.#place, this.#shared.log);
    while (!signal.aborted) {
      const container = await this.#container(resources, onOpen);
      await container.run(AbortSignal.any([signal, this.#power.offSignal]));
      await orAborted(this.#power.untilOn(), signal);
    }
  }

  async #container(resources: ResourceSet, onOpen: (agentId: string) => void): Promise<Container> {
    const { options, log, dial, software, masterSecret, tally } = this.#shared;
    const { agentId } = this;
    const journal = new Journal(agentHome(options.home, agentId).journalFile, log);
    await journal.load();
    const secret = createHmac("sha256", masterSecret).update(agentId).digest("base64url");
    return new Container({
      agentId,
      gateways: options.gateways,
      credentials: {
        secret,
        ...(options.joinToken !== undefined && { joinToken: options.joinToken }),
      },
      software,
      resources,
      manager: this.#manager,
      journal,
      dial: this.#network.wire(this.#power.wire(dial)),
      frameBytesMax: options.frameBytesMax,
      log: log.child({ agentId }),
      shutdownReason: options.shutdownReason,
      onOpen: () => {
        tally.onOpen(agentId, performance.now() - this.#network.dialledAtMs);
        onOpen(agentId);
      },
      onEnd: (end) => {
        tally.onEnd(agentId, end);
      },
    });
  }
}

/** The machine, whose Commands are counted and timed. */
function countCommands(machine: SimulatedMachine, tally: SliceTally): ServerResource {
  return {
    name: machine.name,
    initialize: () => machine.initialize(),
    currentStatus: () => machine.currentStatus(),
    executeRequest: async (command, options) => {
      const startedMs = performance.now();
      try {
        return await machine.executeRequest(command, options);
      } finally {
        tally.onCommand(performance.now() - startedMs);
      }
    },
    close: () => machine.close?.() ?? Promise.resolve(),
  };
}
