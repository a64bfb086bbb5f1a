/** What an evacuation asks of Postgres: a place among the hosts of its cluster, and who takes machines. */
import { claimMaintenanceSlot, listDestinations, releaseMaintenanceSlot } from "../db/index.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";

export function createMaintenanceBook({
  db,
  log,
}: Pick<ActivityDeps, "db" | "log">): Pick<
  WorkerActivities,
  "claimMaintenance" | "releaseMaintenance" | "findDestinations"
> {
  return {
    async claimMaintenance(args) {
      const result = await claimMaintenanceSlot(db, args);
      log.info({ ...args, ...result }, "a host asked for maintenance");
      return result;
    },
    async releaseMaintenance({ agentId }) {
      await releaseMaintenanceSlot(db, agentId);
    },
    findDestinations: (args) => listDestinations(db, args),
  };
}
