import { countLosses, findBrake, setBrake } from "../db/index.ts";
import { decideBrake, type BrakeDecision, type BrakeSettings } from "../lifecycle/brake.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";

const noStorm = { held: false, reason: "no mass loss" };

/**
 * Whether Down is held back for a host: at its cluster, or at its whole zone. An operator's release of either counts.
 * Keeps the state of both brakes, with one log line for each change.
 */
export function createAskBrake(
  deps: Pick<ActivityDeps, "db" | "log"> & { readonly brake: BrakeSettings },
): WorkerActivities["askBrake"] {
  return async ({ zone, cluster }) => {
    const answers = await Promise.all([
      askPlace(deps, zone, cluster, `cluster ${zone}/${cluster}`),
      askPlace(deps, zone, "", `zone ${zone}`),
    ]);
    const decisive =
      answers.find(({ released }) => released) ?? answers.find(({ held }) => held) ?? noStorm;
    return { held: decisive.held, reason: decisive.reason };
  };
}

async function askPlace(
  { db, log, brake }: Parameters<typeof createAskBrake>[0],
  zone: string,
  cluster: string,
  name: string,
): Promise<Pick<BrakeDecision, "held" | "released" | "reason">> {
  const [losses, row] = await Promise.all([
    countLosses(db, zone, cluster, brake.brakeWindowMs),
    findBrake(db, zone, cluster),
  ]);
  const state = {
    sinceMs: row?.since?.getTime() ?? null,
    releasedUntilMs: row?.releasedUntil?.getTime() ?? null,
  };
  const { held, released, change, reason } = decideBrake(losses, state, brake, Date.now());
  const why = `in ${name} ${reason}`;
  if (change !== "none") {
    await setBrake(db, zone, cluster, held, why);
    const what = { zone, cluster, ...losses };
    if (held) log.warn(what, `brake on: ${why}; Down is held back`);
    else log.info(what, `brake off: ${why}`);
  }
  return { held, released, reason: why };
}
