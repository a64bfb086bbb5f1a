import { writeAgentRecord } from "../db/index.ts";
import type { AgentRecord, WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";
import { storing } from "./errors.ts";

/** Lifecycle workers run it as a local activity, activity workers as a normal one when that failed. */
export function createRecordAgent({
  db,
  onRecorded,
}: Pick<ActivityDeps, "db" | "onRecorded">): WorkerActivities["recordAgent"] {
  return async (record: AgentRecord) => {
    await storing(`the record of agent ${record.agentId}`, () => writeAgentRecord(db, record));
    onRecorded?.(record);
  };
}
