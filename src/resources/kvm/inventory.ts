import type { PowerState, VmInfo } from "../../api/index.ts";
import { KvmError } from "./errors.ts";
import {
  parseAmount,
  parseDominfos,
  parseDomstats,
  parseVmRefs,
  powerOf,
  type VmRef,
} from "./parse-output.ts";
import type { VirshCall } from "./virsh-call.ts";

/** dominfo commands that one virsh child is given where the driver has no domstats. */
const dominfosAtOnce = 64;

/**
 * Every VM of the host with its power state, CPUs and memory. Two children whatever the number of VMs where the
 * driver has whole domstats (QEMU); else one more for each 64 VMs.
 */
export async function listVms(call: VirshCall): Promise<VmInfo[]> {
  const [refs, stats] = await Promise.all([listRefs(call), domstats(call)]);
  const whole = refs.every((ref) => stats?.get(ref.name)?.has("vcpu.current") ?? false);
  // A VM that came or went between the two answers is in only one of them; dominfo then decides.
  if (stats === undefined || !whole) return dominfos(call, refs);
  return refs.map((ref) => vmOfDomstats(ref, stats.get(ref.name) ?? new Map<string, string>()));
}

/** Names and power states of every VM: one child where the driver has domstats. What each ping carries. */
export async function listPower(call: VirshCall): Promise<Record<string, PowerState>> {
  const stats = await domstats(call, "--state");
  const pairs: (readonly [string, PowerState])[] =
    stats === undefined
      ? (await dominfos(call, await listRefs(call))).map((vm) => [vm.name, vm.power])
      : [...stats].map(([name, fields]) => [name, powerOf(fields.get("state.state"))]);
  return Object.fromEntries(pairs);
}

/**
 * The VM of that name, else of that UUID; undefined when the host does not know it. Every other virsh command
 * gets the UUID from here: virsh would take a name such as `5` for a running VM's number.
 */
export async function findVm(call: VirshCall, vm: string): Promise<VmRef | undefined> {
  const refs = await listRefs(call);
  return refs.find((ref) => ref.name === vm) ?? refs.find((ref) => ref.uuid === vm);
}

/** As findVm. @throws KvmError VM_NOT_FOUND */
export async function needVm(call: VirshCall, vm: string): Promise<VmRef> {
  const ref = await findVm(call, vm);
  if (ref === undefined) {
    throw new KvmError(
      "VM_NOT_FOUND",
      `This host knows no VM named "${vm}". List its VMs; it may have been moved or undefined.`,
    );
  }
  return ref;
}

/** What one VM is now; undefined when it is gone, as a VM without a kept definition is once it is off. */
export async function inspectVm(call: VirshCall, ref: VmRef): Promise<VmInfo | undefined> {
  try {
    return parseDominfos(await call.read("dominfo", ref.uuid)).map(vmOfDominfo)[0];
  } catch (error) {
    if (error instanceof KvmError && error.code === "VM_NOT_FOUND") return undefined;
    throw error;
  }
}

async function listRefs(call: VirshCall): Promise<VmRef[]> {
  return parseVmRefs(await call.read("list", "--all", "--uuid", "--name"));
}

/** Figures by VM name, without waiting for a VM whose monitor is busy; undefined where the driver has none. */
async function domstats(
  call: VirshCall,
  ...groups: readonly string[]
): Promise<Map<string, Map<string, string>> | undefined> {
  const wanted = groups.length > 0 ? groups : ["--state", "--vcpu", "--balloon"];
  try {
    return parseDomstats(await call.read("domstats", "--nowait", ...wanted));
  } catch (error) {
    if (error instanceof KvmError && error.code === "UNSUPPORTED_BY_DRIVER") return undefined;
    throw error;
  }
}

async function dominfos(call: VirshCall, refs: readonly VmRef[]): Promise<VmInfo[]> {
  const vms: VmInfo[] = [];
  for (let at = 0; at < refs.length; at += dominfosAtOnce) {
    // One argument with several commands. The UUIDs come from libvirt and hold only hex digits and dashes.
    // virsh goes on after a VM that is gone by now, and `hostname` fails only where libvirt does.
    const commands = refs.slice(at, at + dominfosAtOnce).map((ref) => `dominfo ${ref.uuid}`);
    const output = await call.read([...commands, "hostname"].join("; "));
    vms.push(...parseDominfos(output).map(vmOfDominfo));
  }
  return vms;
}

function vmOfDomstats(ref: VmRef, fields: ReadonlyMap<string, string>): VmInfo {
  const kibibytes = parseAmount(fields.get("balloon.maximum"));
  return vmInfo(
    ref,
    powerOf(fields.get("state.state")),
    parseAmount(fields.get("vcpu.current")),
    kibibytes === undefined ? undefined : kibibytes * 1024,
  );
}

function vmOfDominfo(fields: ReadonlyMap<string, string>): VmInfo {
  return vmInfo(
    { name: fields.get("Name") ?? "", uuid: fields.get("UUID") ?? "" },
    powerOf(fields.get("State")),
    parseAmount(fields.get("CPU(s)")),
    parseAmount(fields.get("Max memory")),
  );
}

function vmInfo(
  ref: VmRef,
  power: PowerState,
  cpuCount: number | undefined,
  memoryBytes: number | undefined,
): VmInfo {
  return {
    name: ref.name,
    uuid: ref.uuid,
    power,
    ...(cpuCount !== undefined && { cpuCount }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}
