import { recordRecovery } from "../db/index.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { Workload } from "../workflows/recovery-messages.ts";
import type { ActivityDeps } from "./deps.ts";
import { storing } from "./errors.ts";

/** Records a recovery once, with the host's last known workloads. */
export function createRecordRecovery(
  deps: Pick<ActivityDeps, "db" | "log">,
): WorkerActivities["recordRecovery"] {
  return async (recovery) => {
    const { agentId, epoch } = recovery;
    const workloads = (await storing(`the recovery of agent ${agentId}`, () =>
      recordRecovery(deps.db, recovery),
    )) as readonly Workload[];
    deps.log.warn({ agentId, epoch, workloads: workloads.length }, "host is Down: recovery");
    return { workloads };
  };
}
