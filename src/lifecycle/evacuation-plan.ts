/** Which way a machine leaves its host. The same rule for an evacuation and for a dry run. */
import type { EvacuationPolicy } from "../api/index.ts";
import { isRunning } from "./evacuation-list.ts";
import { evacuationSettings } from "./evacuation-types.ts";
import type { Destination, ListedVm } from "./evacuation-types.ts";

export type WayOut =
  | { readonly type: "migrate"; readonly destination: Destination }
  | { readonly type: "stop" }
  | { readonly type: "none"; readonly why: string };

/**
 * The way of one machine by the policy. Of the destinations, the one with the least `load` that has not refused it in
 * this try; equals go by agent id.
 */
export function wayOut(
  policy: EvacuationPolicy,
  destinations: readonly Destination[],
  load: Readonly<Record<string, number>>,
  refusedBy: readonly string[] = [],
): WayOut {
  if (policy === "stop") return { type: "stop" };
  const destination =
    refusedBy.length < evacuationSettings.destinationsPerTry
      ? leastLoaded(destinations, load, refusedBy)
      : undefined;
  if (destination !== undefined) return { type: "migrate", destination };
  if (policy === "migrateElseStop") return { type: "stop" };
  const why =
    refusedBy.length === 0
      ? "no other host of its cluster that is Up and Enabled takes machines"
      : `it was refused by ${refusedBy.join(", ")}`;
  return { type: "none", why };
}

function leastLoaded(
  destinations: readonly Destination[],
  load: Readonly<Record<string, number>>,
  refusedBy: readonly string[],
): Destination | undefined {
  let best: Destination | undefined;
  for (const one of destinations) {
    if (refusedBy.includes(one.agentId)) continue;
    const difference = best && (load[one.agentId] ?? 0) - (load[best.agentId] ?? 0);
    if (difference === undefined || difference < 0) best = one;
    else if (best !== undefined && difference === 0 && one.agentId < best.agentId) best = one;
  }
  return best;
}

export interface PlannedVm {
  readonly resource: string;
  readonly vm: string;
  readonly way: WayOut;
}

/** What an evacuation would do with each running machine if every host took what it is asked to take. */
export function planEvacuation(
  policy: EvacuationPolicy,
  vms: readonly ListedVm[],
  destinations: readonly Destination[],
): readonly PlannedVm[] {
  const load: Record<string, number> = {};
  return vms.filter(isRunning).map(({ resource, name }) => {
    const way = wayOut(policy, destinations, load);
    if (way.type === "migrate") {
      const { agentId } = way.destination;
      load[agentId] = (load[agentId] ?? 0) + 1;
    }
    return { resource, vm: name, way };
  });
}
