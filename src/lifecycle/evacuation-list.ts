/** What the resources of a host say runs on it. */
import { powerStates } from "../api/index.ts";
import type { Answer, PowerState } from "../api/index.ts";
import type { ListedVm } from "./evacuation-types.ts";

export type VmList =
  | { readonly vms: readonly ListedVm[] }
  /** It is not known what runs on the host, and why. */
  | { readonly problem: string };

const nameCharsMax = 255;

/**
 * Reads the Answers to one ListVms for each of the resources, in their order. A resource that knows no machines (its
 * Answer is Unsupported) has none. Answers have crossed the wire: nothing about them is certain.
 */
export function readVmList(resources: readonly string[], answers: readonly Answer[]): VmList {
  const vms: ListedVm[] = [];
  const seen = new Set<string>();
  for (const [index, resource] of resources.entries()) {
    const answer = answers[index];
    if (answer?.type === "UnsupportedAnswer") continue;
    if (answer?.result !== true) {
      const why = answer?.details ?? answer?.errorCode ?? "no reason given";
      return { problem: `Resource ${resource} could not list its machines: ${why}` };
    }
    const listed = (answer as { readonly vms?: unknown }).vms;
    if (!Array.isArray(listed)) return { problem: `Resource ${resource} answered without a list.` };
    for (const entry of listed as readonly unknown[]) {
      const vm = readVm(resource, entry);
      if (vm === undefined) {
        return { problem: `Resource ${resource} listed a machine without a name or power state.` };
      }
      if (seen.has(vmKey(vm))) continue;
      seen.add(vmKey(vm));
      vms.push(vm);
    }
  }
  return { vms };
}

/** Whether the machine takes up the host: what is not certainly off may still hold its disks. */
export function isRunning(vm: Pick<ListedVm, "power">): boolean {
  return vm.power !== "Off";
}

/** Names are unique within a resource. */
export function vmKey(vm: Pick<ListedVm, "resource" | "name">): string {
  return JSON.stringify([vm.resource, vm.name]);
}

function readVm(resource: string, entry: unknown): ListedVm | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const { name, power } = entry as { readonly name?: unknown; readonly power?: unknown };
  if (typeof name !== "string" || name === "" || name.length > nameCharsMax) return undefined;
  if (!isPowerState(power)) return undefined;
  return { resource, name, power };
}

function isPowerState(value: unknown): value is PowerState {
  return powerStates.some((one) => one === value);
}
