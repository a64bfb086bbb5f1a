/** A simulated host: VMs, their power, and what fits. Every change is an effect of one Command, or of its power. */
import { randomUUID } from "node:crypto";
import type { HostStats, VmInfo, VmSpec } from "../../api/index.ts";
import type { Effects } from "./effects.ts";
import { RefusedError } from "./errors.ts";

/** What a host has. */
export interface HostSize {
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

/** The VMs that it has at first: how many, and what their names begin with. */
interface FirstVms {
  readonly vms: number;
  readonly vmPrefix: string;
}

/** Memory of a VM that nobody specified. */
const vmMemoryBytes = 1024 ** 3;

export class HostModel {
  readonly hostname: string;
  readonly #size: HostSize;
  readonly #effects: Effects;
  readonly #vms = new Map<string, VmInfo>();
  /** VMs on their way to a host of another process. */
  readonly #leaving = new Set<string>();

  constructor(hostname: string, size: HostSize & FirstVms, effects: Effects) {
    this.hostname = hostname;
    this.#size = size;
    this.#effects = effects;
    for (let i = 1; i <= size.vms; i++) {
      const name = `${size.vmPrefix}${i}`;
      this.#vms.set(name, { name, power: "On", cpuCount: 1, memoryBytes: vmMemoryBytes });
    }
    for (const { name, vm } of effects.replay()) this.#put(name, vm);
  }

  list(): readonly VmInfo[] {
    return [...this.#vms.values()];
  }

  /** Everything that runs goes off at once. */
  losePower(): void {
    for (const vm of this.list()) {
      if (vm.power !== "Off") this.#change(randomUUID(), "LosePower", { ...vm, power: "Off" });
    }
  }

  stats(): HostStats {
    const running = this.list().filter(({ power }) => power === "On");
    const cpus = running.reduce((sum, { cpuCount = 1 }) => sum + cpuCount, 0);
    return {
      hostname: this.hostname,
      cpuCount: this.#size.cpuCount,
      cpuUsed: this.#size.cpuCount === 0 ? 0 : Math.min(1, cpus / this.#size.cpuCount / 2),
      memoryTotalBytes: this.#size.memoryBytes,
      memoryFreeBytes: this.#size.memoryBytes - this.#memoryUsedBytes(),
      vmsRunning: running.length,
      vmsTotal: this.#vms.size,
    };
  }

  /** @throws RefusedError VM_NOT_FOUND, NO_MEMORY. */
  start(commandId: string, name: string, spec: VmSpec | undefined): VmInfo {
    const vm = this.#get(name) ?? this.#define(name, spec);
    if (vm.power === "On") return vm;
    const needBytes = vm.memoryBytes ?? vmMemoryBytes;
    const freeBytes = this.#size.memoryBytes - this.#memoryUsedBytes();
    if (needBytes > freeBytes) {
      throw new RefusedError(
        "NO_MEMORY",
        `VM ${name} needs ${needBytes} bytes of memory, ${freeBytes} are free. Stop or migrate another VM first.`,
      );
    }
    return this.#change(commandId, "StartVm", { ...vm, power: "On" });
  }

  /** Stopping a VM that is off changes nothing. @throws RefusedError VM_NOT_FOUND. */
  stop(commandId: string, name: string): VmInfo {
    const vm = this.#find(name);
    return vm.power === "Off" ? vm : this.#change(commandId, "StopVm", { ...vm, power: "Off" });
  }

  /** @throws RefusedError VM_NOT_FOUND, VM_NOT_RUNNING. */
  reboot(commandId: string, name: string): VmInfo {
    return this.#change(commandId, "RebootVm", this.#findRunning(name));
  }

  /** Moves a running VM to another host. @throws RefusedError VM_NOT_FOUND, VM_NOT_RUNNING, NO_MEMORY, VM_EXISTS. */
  migrate(commandId: string, name: string, destination: HostModel): void {
    const vm = this.#findRunning(name);
    if (destination === this) {
      throw new RefusedError("SAME_HOST", `VM ${name} is on ${this.hostname} already.`);
    }
    destination.receive(commandId, vm);
    this.#lose(commandId, vm.name);
  }

  /**
   * Moves a running VM to a host of another process. Until `take` has ended nothing else is done to it.
   * @throws RefusedError VM_NOT_FOUND, VM_NOT_RUNNING, VM_MIGRATING; what `take` throws, and then the VM stays.
   */
  async migrateAway(
    commandId: string,
    name: string,
    take: (vm: VmInfo) => Promise<void>,
  ): Promise<void> {
    const vm = this.#findRunning(name);
    this.#leaving.add(vm.name);
    try {
      await take(vm);
    } finally {
      this.#leaving.delete(vm.name);
    }
    this.#lose(commandId, vm.name);
  }

  /** Takes in a running VM of another host. @throws RefusedError NO_MEMORY, VM_EXISTS. */
  receive(commandId: string, vm: VmInfo): void {
    if (this.#vms.has(vm.name)) {
      throw new RefusedError("VM_EXISTS", `${this.hostname} has a VM ${vm.name} already.`);
    }
    const freeBytes = this.#size.memoryBytes - this.#memoryUsedBytes();
    if ((vm.memoryBytes ?? vmMemoryBytes) > freeBytes) {
      throw new RefusedError("NO_MEMORY", `${this.hostname} has only ${freeBytes} bytes free.`);
    }
    this.#change(commandId, "ReceiveVm", vm);
  }

  #lose(commandId: string, name: string): void {
    this.#put(name, null);
    this.#effects.add({ id: commandId, type: "MigrateVm", name, vm: null });
  }

  #change(id: string, type: string, vm: VmInfo): VmInfo {
    this.#put(vm.name, vm);
    this.#effects.add({ id, type, name: vm.name, vm });
    return vm;
  }

  #put(name: string, vm: VmInfo | null): void {
    if (vm === null) this.#vms.delete(name);
    else this.#vms.set(name, vm);
  }

  #define(name: string, spec: VmSpec | undefined): VmInfo {
    if (spec === undefined) throw notFound(name, this.hostname);
    return { name, power: "Off", cpuCount: spec.cpuCount, memoryBytes: spec.memoryBytes };
  }

  /** The VM of that name; in a fleet, where names begin with their first host's, the rest of the name does too. */
  #get(name: string): VmInfo | undefined {
    const vm = this.#vms.get(name) ?? this.#vms.get(`${this.hostname}-${name}`);
    if (vm !== undefined && this.#leaving.has(vm.name)) {
      throw new RefusedError("VM_MIGRATING", `VM ${vm.name} is on its way to another host.`);
    }
    return vm;
  }

  #find(name: string): VmInfo {
    const vm = this.#get(name);
    if (vm === undefined) throw notFound(name, this.hostname);
    return vm;
  }

  #findRunning(name: string): VmInfo {
    const vm = this.#find(name);
    if (vm.power !== "On") {
      throw new RefusedError("VM_NOT_RUNNING", `VM ${name} is ${vm.power}. Start it first.`);
    }
    return vm;
  }

  #memoryUsedBytes(): number {
    return this.list()
      .filter(({ power }) => power !== "Off")
      .reduce((sum, { memoryBytes = vmMemoryBytes }) => sum + memoryBytes, 0);
  }
}

function notFound(name: string, hostname: string): RefusedError {
  return new RefusedError(
    "VM_NOT_FOUND",
    `${hostname} has no VM ${name}. ListVms says which it has; StartVm with a spec makes one.`,
  );
}
