import type { Answer } from "./answer.ts";
import { Command, type CommandOptions } from "./command.ts";
import type { PowerState } from "./session-commands.ts";

/** Asks whether the resource works: the manager's Investigator `agent` uses it. */
export class CheckHealthCommand extends Command<CheckHealthAnswer> {
  readonly type = "CheckHealth";
}
export interface CheckHealthAnswer extends Answer {
  readonly type: "CheckHealthAnswer";
}

/** Figures of the physical host. */
export class GetHostStatsCommand extends Command<GetHostStatsAnswer> {
  readonly type = "GetHostStats";
}
export interface GetHostStatsAnswer extends Answer {
  readonly type: "GetHostStatsAnswer";
  readonly stats?: HostStats;
}
export interface HostStats {
  readonly hostname: string;
  readonly cpuCount: number;
  /** Share of CPU time in use since the last asking, 0 to 1; absent where the resource can't tell. */
  readonly cpuUsed?: number;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
  readonly vmsRunning: number;
  readonly vmsTotal: number;
}

/** Lists the virtual machines of the host, running or not. */
export class ListVmsCommand extends Command<ListVmsAnswer> {
  readonly type = "ListVms";
}
export interface ListVmsAnswer extends Answer {
  readonly type: "ListVmsAnswer";
  readonly vms?: readonly VmInfo[];
}
export interface VmInfo {
  readonly name: string;
  readonly uuid?: string;
  readonly power: PowerState;
  readonly cpuCount?: number;
  readonly memoryBytes?: number;
}

/** What a virtual machine is made of, for hosts that do not know it yet. */
export interface VmSpec {
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Definition in the resource's own language (libvirt domain XML for `kvm`); overrides the rest. */
  readonly definition?: string;
}

/** Starts a virtual machine; defines it first when `spec` is given and the host does not know it. */
export class StartVmCommand extends Command<StartVmAnswer> {
  readonly type = "StartVm";
  readonly vm: string;
  readonly spec?: VmSpec;
  constructor(fields: { readonly vm: string; readonly spec?: VmSpec } & CommandOptions) {
    super(fields);
    this.vm = fields.vm;
    if (fields.spec !== undefined) this.spec = fields.spec;
  }
}
export interface StartVmAnswer extends Answer {
  readonly type: "StartVmAnswer";
  readonly vm?: VmInfo;
}

/** Stops a virtual machine: asks its guest, or pulls the plug when `force` is set. */
export class StopVmCommand extends Command<StopVmAnswer> {
  readonly type = "StopVm";
  readonly vm: string;
  readonly force?: boolean;
  constructor(fields: { readonly vm: string; readonly force?: boolean } & CommandOptions) {
    super(fields);
    this.vm = fields.vm;
    if (fields.force !== undefined) this.force = fields.force;
  }
}
export interface StopVmAnswer extends Answer {
  readonly type: "StopVmAnswer";
  readonly vm?: VmInfo;
}

/** Reboots a running virtual machine: asks its guest, or resets it as the button does when `force` is set. */
export class RebootVmCommand extends Command<RebootVmAnswer> {
  readonly type = "RebootVm";
  readonly vm: string;
  readonly force?: boolean;
  constructor(fields: { readonly vm: string; readonly force?: boolean } & CommandOptions) {
    super(fields);
    this.vm = fields.vm;
    if (fields.force !== undefined) this.force = fields.force;
  }
}
export interface RebootVmAnswer extends Answer {
  readonly type: "RebootVmAnswer";
  readonly vm?: VmInfo;
}

/** Moves a running virtual machine to another host of the cluster. */
export class MigrateVmCommand extends Command<MigrateVmAnswer> {
  readonly type = "MigrateVm";
  readonly vm: string;
  /** Where to, in the resource's own terms (a libvirt connection URI for `kvm`, a host name for `simulator`). */
  readonly destination: string;
  constructor(fields: { readonly vm: string; readonly destination: string } & CommandOptions) {
    super(fields);
    this.vm = fields.vm;
    this.destination = fields.destination;
  }
}
export interface MigrateVmAnswer extends Answer {
  readonly type: "MigrateVmAnswer";
}

/**
 * Asks this host what it can see of another host of its cluster. `seen: true` is proof of life.
 * `seen: false` proves nothing by itself; `proofOfDeath` says what would.
 */
export class CheckOnHostCommand extends Command<CheckOnHostAnswer> {
  readonly type = "CheckOnHost";
  readonly host: HostToCheck;
  constructor(fields: { readonly host: HostToCheck } & CommandOptions) {
    super(fields);
    this.host = fields.host;
  }
}
export interface HostToCheck {
  readonly agentId: string;
  readonly address?: string;
  readonly probePorts?: readonly number[];
}
export interface CheckOnHostAnswer extends Answer {
  readonly type: "CheckOnHostAnswer";
  readonly seen?: boolean;
  readonly proofOfDeath?: string;
}

/** The Commands of `muster/api` that resources may map. */
export type HostCommand =
  | CheckHealthCommand
  | GetHostStatsCommand
  | ListVmsCommand
  | StartVmCommand
  | StopVmCommand
  | RebootVmCommand
  | MigrateVmCommand
  | CheckOnHostCommand;
