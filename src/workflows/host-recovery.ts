/**
 * `hostRecovery`: what follows from a host's Down, once for each loss. Today it records the evidence and what ran on the
 * host, and shows both; fencing and the restart of machines elsewhere will be further steps of it.
 */
import { log, proxyActivities, setCurrentDetails } from "@temporalio/workflow";
import { isoTime } from "../lifecycle/iso-time.ts";
import type { WorkerActivities } from "./activity-types.ts";
import { activitiesTaskQueue } from "./agent-messages.ts";
import type { HostRecovery, Workload } from "./recovery-messages.ts";

const { recordRecovery } = proxyActivities<Pick<WorkerActivities, "recordRecovery">>({
  taskQueue: activitiesTaskQueue,
  startToCloseTimeout: "10s",
  // A recovery is never given up: it waits for a database that is away.
  retry: { initialInterval: "1s", maximumInterval: "30s" },
  summary: "evidence and workloads",
});

export async function hostRecovery(
  recovery: HostRecovery,
): Promise<{ readonly workloads: readonly Workload[] }> {
  setCurrentDetails(describe(recovery, undefined));
  const { workloads } = await recordRecovery(recovery);
  log.info("host recovery recorded", { agentId: recovery.agentId, workloads: workloads.length });
  setCurrentDetails(describe(recovery, workloads));
  return { workloads };
}

/** The recovery at a glance, as Markdown for the Temporal UI. */
function describe(
  { agentId, epoch, zone, cluster, lostAtMs, downAtMs, evidence }: HostRecovery,
  workloads: readonly Workload[] | undefined,
): string {
  return [
    `## ${agentId} in ${zone}/${cluster} is Down`,
    "",
    `- **Lost**: ${isoTime(lostAtMs)} (session ${epoch})`,
    `- **Declared Down**: ${isoTime(downAtMs)}`,
    ...evidence.map(
      ({ investigator, verdict, evidence: seen, proof }) =>
        `- **${investigator}**: ${verdict}. ${seen}${proof === undefined ? "" : ` Proof: ${proof}`}`,
    ),
    `- **Ran on it**: ${workloads === undefined ? "being looked up" : workloads.map(({ name, power }) => `${name} (${power})`).join(", ") || "nothing that is known"}`,
  ].join("\n");
}
