/**
 * What becomes of the machines of a host that enters maintenance.
 *   migrate          each is moved to another host of the cluster; one that nobody takes is named as failed
 *   migrateElseStop  as migrate; one that nobody takes is stopped
 *   stop             all are stopped
 */
export const evacuationPolicies = ["migrate", "migrateElseStop", "stop"] as const;
export type EvacuationPolicy = (typeof evacuationPolicies)[number];
