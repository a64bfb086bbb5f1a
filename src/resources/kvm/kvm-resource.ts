import {
  failed,
  unsupported,
  type ExecuteOptions,
  type ResourceAnswer,
  type ResourceStatus,
  type ServerResource,
  type StartupCommand,
  type WireCommand,
} from "../../api/index.ts";
import { checkOnHost } from "./check-on-host.ts";
import { hostField } from "./command-fields.ts";
import type { KvmConfig } from "./config.ts";
import { describeHost } from "./describe-host.ts";
import { KvmError } from "./errors.ts";
import { HostStatsReader } from "./host-stats.ts";
import { listPower, listVms } from "./inventory.ts";
import { migrateVm } from "./migrate-vm.ts";
import { rebootVm } from "./reboot-vm.ts";
import { startVm } from "./start-vm.ts";
import { stopVm } from "./stop-vm.ts";
import { VirshCall } from "./virsh-call.ts";
import type { Virsh } from "./virsh.ts";

/** A host run by libvirt. Keeps no state beyond libvirt's own: each Command asks libvirt anew. */
export class KvmResource implements ServerResource {
  readonly name: string;
  readonly #config: KvmConfig;
  readonly #virsh: Virsh;
  readonly #hostStats = new HostStatsReader();
  readonly #closing = new AbortController();

  constructor(config: KvmConfig, virsh: Virsh) {
    this.name = config.name;
    this.#config = config;
    this.#virsh = virsh;
  }

  /** @throws KvmError when libvirt can't be asked; the agent then tries again. */
  initialize(): Promise<Omit<StartupCommand, "type" | "zone" | "cluster">> {
    return describeHost(this.#ownCall(), this.#config);
  }

  async currentStatus(): Promise<Omit<ResourceStatus, "name">> {
    try {
      return { healthy: true, workloads: await listPower(this.#ownCall()) };
    } catch (error) {
      if (!(error instanceof KvmError)) throw error;
      return { healthy: false, details: error.message };
    }
  }

  async executeRequest(command: WireCommand, options: ExecuteOptions): Promise<ResourceAnswer> {
    const call = new VirshCall(this.#virsh, {
      signal: AbortSignal.any([options.signal, this.#closing.signal]),
      waitMs: options.waitMs,
      readTimeoutMs: this.#config.commandTimeoutMs,
    });
    try {
      return await this.#run(call, command);
    } catch (error) {
      if (!(error instanceof KvmError)) throw error;
      const outcome = call.outcomeAfter(error);
      return {
        ...failed(`${command.type}Answer`, error.code, error.message),
        ...(outcome !== undefined && { outcome }),
      };
    }
  }

  /** Ends the virsh children that still run. What libvirt began goes on by itself. */
  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  async #run(call: VirshCall, command: WireCommand): Promise<ResourceAnswer> {
    switch (command.type) {
      case "CheckHealth":
        // Goes through the daemon to the driver, so that a hang of either is found.
        await call.read("nodeinfo");
        return { type: "CheckHealthAnswer", result: true, details: "libvirt answers." };
      case "GetHostStats":
        return this.#hostStats.read(call);
      case "ListVms":
        return { type: "ListVmsAnswer", result: true, vms: await listVms(call) } as ResourceAnswer;
      case "StartVm":
        return startVm(call, command);
      case "StopVm":
        return stopVm(call, command, this.#config);
      case "RebootVm":
        return rebootVm(call, command, this.#config);
      case "MigrateVm":
        return migrateVm(call, command, this.#config);
      case "CheckOnHost":
        return checkOnHost(hostField(command), call.signal);
      default:
        return unsupported(command);
    }
  }

  /** Calls that no Command asked for are limited like a read. */
  #ownCall(): VirshCall {
    return new VirshCall(this.#virsh, {
      signal: this.#closing.signal,
      waitMs: this.#config.commandTimeoutMs * 2,
      readTimeoutMs: this.#config.commandTimeoutMs,
    });
  }
}
