import { setTimeout as pause } from "node:timers/promises";
import {
  failed,
  unsupported,
  type ExecuteOptions,
  type ManagerLink,
  type ResourceAnswer,
  type ResourceStatus,
  type ServerResource,
  type StartupCommand,
  type VmInfo,
  type WireCommand,
} from "../../api/index.ts";
import { askManager } from "./ask-manager.ts";
import type { SimulatorConfig } from "./config.ts";
import { Effects } from "./effects.ts";
import { RefusedError, SimulatorConfigError } from "./errors.ts";
import { FaultPlan } from "./faults.ts";
import { carryOut, type SimulatedHost } from "./host-commands.ts";
import { HostModel } from "./host-model.ts";
import {
  findNeighbour,
  joinNeighbourhood,
  type HostsElsewhere,
  type Refusal,
} from "./neighbourhood.ts";
import { simulatorCommandTypes } from "./simulator-commands.ts";

/** A simulated host from the outside: what its own process may do to it that no Command may. */
export interface SimulatedMachine extends ServerResource {
  /** Every VM goes off, as when somebody pulls the plug. */
  losePower(): void;
  vms(): readonly VmInfo[];
  /** What its neighbours see: it runs and has power. */
  readonly isThere: boolean;
  /** Takes in a running VM of a host of another process, or says why not. */
  receive(commandId: string, vm: VmInfo): Refusal | undefined;
}

/** A host with VMs that exists in memory only, and fails on request. */
export class SimulatorResource implements SimulatedMachine {
  readonly name: string;
  readonly #config: SimulatorConfig;
  readonly #host: SimulatedHost;
  readonly #manager: ManagerLink;
  #leave: () => void;

  /** @param agentId also the host's name, for migrations. */
  constructor(
    agentId: string,
    config: SimulatorConfig,
    manager: ManagerLink,
    elsewhere?: HostsElsewhere,
  ) {
    this.#manager = manager;
    this.name = config.name ?? "host";
    this.#config = config;
    const effects = new Effects(config.stateFile);
    this.#host = {
      model: new HostModel(agentId, config, effects),
      effects,
      faults: new FaultPlan(config.faults),
      health: { healthy: true },
      elsewhere,
    };
    this.#leave = joinNeighbourhood(this.#host.model);
  }

  initialize(): Promise<Omit<StartupCommand, "type" | "zone" | "cluster">> {
    // Closed when its host lost its power; it is back now.
    this.#leave = joinNeighbourhood(this.#host.model);
    const { resourceType, address, probePorts, cpuCount, memoryBytes, world } = this.#config;
    return Promise.resolve({
      name: this.name,
      resourceType,
      version: "1",
      ...(address !== undefined && { address }),
      ...(probePorts !== undefined && { probePorts }),
      migrateTo: this.#host.model.hostname,
      facts: {
        simulated: true,
        cpuCount,
        memoryBytes,
        ...(world !== undefined && { world }),
      },
      commandTypes: simulatorCommandTypes,
    });
  }

  currentStatus(): Promise<Omit<ResourceStatus, "name">> {
    const workloads = Object.fromEntries(
      this.#host.model.list().map(({ name, power }) => [name, power]),
    );
    return Promise.resolve({ ...this.#host.health, workloads });
  }

  async executeRequest(command: WireCommand, options: ExecuteOptions): Promise<ResourceAnswer> {
    if (command.type === "SimulatorAskManager") return askManager(command, this.#manager, options);
    // Its own Commands always work, so that it can be programmed anew.
    const own = Object.hasOwn(simulatorCommandTypes, command.type);
    const fault = own ? undefined : this.#host.faults.take(command.type);
    const { signal } = options;
    if (fault?.delayMs !== undefined) await pause(fault.delayMs, undefined, { signal });
    switch (fault?.mode) {
      case "fail":
        return failed(`${command.type}Answer`, "SIMULATED_FAILURE", "It was programmed to fail.");
      case "throw":
        throw new Error("It was programmed to throw.");
      case "hang":
        return untilAborted(signal);
      case "drop":
        await this.#carryOut(command);
        return new Promise(() => undefined);
      case "rubbish":
        await this.#carryOut(command);
        return "rubbish" as unknown as ResourceAnswer;
      case undefined:
        return await this.#carryOut(command);
    }
  }

  losePower(): void {
    // Its neighbours don't see it any more, before its agent has ended.
    this.#leave();
    this.#host.model.losePower();
  }

  vms(): readonly VmInfo[] {
    return this.#host.model.list();
  }

  get isThere(): boolean {
    return findNeighbour(this.#host.model.hostname) === this.#host.model;
  }

  receive(commandId: string, vm: VmInfo): Refusal | undefined {
    const { hostname } = this.#host.model;
    if (!this.isThere) return { code: "DESTINATION_NOT_FOUND", message: `${hostname} is off.` };
    try {
      this.#host.model.receive(commandId, vm);
      return undefined;
    } catch (error) {
      if (error instanceof RefusedError) return { code: error.code, message: error.message };
      throw error;
    }
  }

  close(): Promise<void> {
    this.#leave();
    return Promise.resolve();
  }

  async #carryOut(command: WireCommand): Promise<ResourceAnswer> {
    try {
      return (await carryOut(command, this.#host)) ?? unsupported(command);
    } catch (error) {
      if (error instanceof RefusedError || error instanceof SimulatorConfigError) {
        return failed(`${command.type}Answer`, error.code, error.message);
      }
      throw error;
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => {
      reject(new Error("It hung until it was aborted.", { cause: signal.reason }));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
