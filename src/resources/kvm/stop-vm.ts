import { setTimeout as sleep } from "node:timers/promises";
import type { ResourceAnswer, StopVmAnswer, VmInfo, WireCommand } from "../../api/index.ts";
import { forceField, vmField } from "./command-fields.ts";
import type { KvmConfig } from "./config.ts";
import { KvmError } from "./errors.ts";
import { inspectVm, needVm } from "./inventory.ts";
import type { VmRef } from "./parse-output.ts";
import { isNotRunning } from "./virsh-failure.ts";
import type { VirshCall } from "./virsh-call.ts";

type Limits = Pick<KvmConfig, "guestTimeoutMs" | "askAgainMs">;

/** The first look comes soon, for guests that go off at once; the later ones at most a second apart. */
const firstLookMs = 100;
const lookIntervalMsMax = 1_000;

/**
 * Asks the guest to shut down and waits until it is off, or pulls the plug (`force`). A VM that is off already
 * is a success. A guest that does not obey in time gives VM_STILL_RUNNING; it may still go off later.
 */
export async function stopVm(
  call: VirshCall,
  command: WireCommand,
  limits: Limits,
): Promise<ResourceAnswer<StopVmAnswer>> {
  const ref = await needVm(call, vmField(command));
  const force = forceField(command);
  const before = await inspectVm(call, ref);
  if (before === undefined || before.power === "Off") {
    return stopped(ref, before, `"${ref.name}" is off already.`);
  }
  if (force) {
    await unlessOff(call.change(["destroy", ref.uuid]));
    return stopped(ref, await inspectVm(call, ref), `"${ref.name}" was switched off.`);
  }
  return stopped(ref, await shutDown(call, ref, limits), `"${ref.name}" shut down.`);
}

/** @throws KvmError VM_STILL_RUNNING when the guest does not go off in time */
async function shutDown(call: VirshCall, ref: VmRef, limits: Limits): Promise<VmInfo | undefined> {
  const startedMs = performance.now();
  const waitMs = Math.min(limits.guestTimeoutMs, call.remainingMs());
  let askedMs = Number.NEGATIVE_INFINITY;
  let lookMs = firstLookMs;
  for (;;) {
    if (performance.now() - askedMs >= limits.askAgainMs) {
      askedMs = performance.now();
      await unlessOff(call.change(["shutdown", ref.uuid]));
    }
    const vm = await inspectVm(call, ref);
    if (vm === undefined || vm.power === "Off") return vm;
    const leftMs = startedMs + waitMs - performance.now();
    if (leftMs <= 0) {
      throw new KvmError(
        "VM_STILL_RUNNING",
        `"${ref.name}" was asked to shut down but still runs after ${Math.round(waitMs / 100) / 10} s. Its guest may hang or take no ACPI; it may also just be slow. Send StopVm with force to pull the plug.`,
      );
    }
    await pause(Math.min(lookMs, leftMs), call.signal);
    lookMs = Math.min(lookMs * 2, lookIntervalMsMax);
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (cause) {
    throw new KvmError("CANCELLED", "The wait for the guest to shut down was cancelled.", {
      cause,
    });
  }
}

/** A VM that went off by itself in between is where it was meant to be. */
async function unlessOff(change: Promise<string>): Promise<void> {
  try {
    await change;
  } catch (error) {
    const gone = error instanceof KvmError && error.code === "VM_NOT_FOUND";
    if (!gone && !isNotRunning(error)) throw error;
  }
}

function stopped(
  ref: VmRef,
  vm: VmInfo | undefined,
  details: string,
): ResourceAnswer<StopVmAnswer> {
  return {
    type: "StopVmAnswer",
    result: true,
    details,
    vm: vm ?? { name: ref.name, uuid: ref.uuid, power: "Off" },
  };
}
