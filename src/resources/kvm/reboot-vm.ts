import type { RebootVmAnswer, ResourceAnswer, WireCommand } from "../../api/index.ts";
import { forceField, vmField } from "./command-fields.ts";
import type { KvmConfig } from "./config.ts";
import { KvmError } from "./errors.ts";
import { inspectVm, needVm } from "./inventory.ts";
import type { VmRef } from "./parse-output.ts";
import { isEventTimeout } from "./virsh-failure.ts";
import type { VirshCall } from "./virsh-call.ts";

/**
 * Asks the guest to reboot and, under QEMU, waits for libvirt's reboot event; `force` resets the machine.
 * Drivers other than QEMU's send no such event: there the Answer only says that the guest was asked.
 */
export async function rebootVm(
  call: VirshCall,
  command: WireCommand,
  config: Pick<KvmConfig, "uri" | "guestTimeoutMs">,
): Promise<ResourceAnswer<RebootVmAnswer>> {
  const ref = await needVm(call, vmField(command));
  const force = forceField(command);
  const before = await inspectVm(call, ref);
  if (before === undefined || before.power === "Off") {
    throw new KvmError("VM_NOT_RUNNING", `"${ref.name}" is off. Send StartVm instead.`);
  }
  const details = force
    ? await reset(call, ref)
    : await askGuest(call, ref, /^qemu\b/i.test(config.uri), config.guestTimeoutMs);
  const vm = await inspectVm(call, ref);
  return { type: "RebootVmAnswer", result: true, details, ...(vm !== undefined && { vm }) };
}

async function reset(call: VirshCall, ref: VmRef): Promise<string> {
  await call.change(["reset", ref.uuid]);
  return `"${ref.name}" was reset.`;
}

/** @throws KvmError VM_DID_NOT_REBOOT when no reboot event comes in time */
async function askGuest(
  call: VirshCall,
  ref: VmRef,
  sendsEvents: boolean,
  guestTimeoutMs: number,
): Promise<string> {
  await call.change(["reboot", ref.uuid]);
  if (!sendsEvents) {
    return `"${ref.name}" was asked to reboot; this hypervisor does not tell when it has.`;
  }
  // Watching begins a moment after the asking; a guest needs longer than that to go down.
  const seconds = Math.max(1, Math.floor(Math.min(guestTimeoutMs, call.remainingMs()) / 1_000));
  try {
    await call.watch(
      ["event", `--domain=${ref.uuid}`, "--event=reboot", `--timeout=${seconds}`],
      seconds * 1_000 + 2_000,
    );
  } catch (error) {
    if (!isEventTimeout(error)) throw error;
    throw new KvmError(
      "VM_DID_NOT_REBOOT",
      `"${ref.name}" was asked to reboot but did not within ${seconds} s. Its guest may hang or take no ACPI; it may also just be slow. Send RebootVm with force to reset it.`,
      { cause: error },
    );
  }
  return `"${ref.name}" rebooted.`;
}
