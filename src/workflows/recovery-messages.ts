/** What a host's recovery is given. Workflow id: `recovery/<agentId>/<epoch>`: one for each loss, for ever. */
import type { PowerState, Verdict } from "../api/index.ts";

export const hostRecoveryType = "hostRecovery";
export function recoveryWorkflowId(agentId: string, epoch: number): string {
  return `recovery/${agentId}/${epoch}`;
}

/** One Investigator that was asked about a loss, and what it saw. */
export interface AskedInvestigator {
  readonly investigator: string;
  readonly verdict: Verdict;
  readonly evidence: string;
  readonly proof?: string;
  readonly tookMs: number;
  readonly atMs: number;
}

/** A host that was declared Down. */
export interface HostRecovery {
  readonly agentId: string;
  /** The lost session: names the loss. */
  readonly epoch: number;
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly lostAtMs: number;
  readonly downAtMs: number;
  readonly evidence: readonly AskedInvestigator[];
}

/** What ran on a host, by its last ping. */
export interface Workload {
  readonly resource: string;
  readonly name: string;
  readonly power: PowerState;
}
