import { listNeighbours } from "../db/index.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";

/** Reads from the read model, which may be a moment old: one that is lost itself will not answer. */
export function createFindNeighbours({
  db,
}: Pick<ActivityDeps, "db">): WorkerActivities["findNeighbours"] {
  return (args) => listNeighbours(db, args);
}
