/** `muster/workflow-activities`: what `muster/workflow` needs of a caller's worker. */
export * from "./create-command-activities.ts";
export type { CommandActivities } from "../caller-workflow/activity-types.ts";
