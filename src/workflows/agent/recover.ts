import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { ParentClosePolicy, WorkflowIdReusePolicy, startChild } from "@temporalio/workflow";
import { hostRecoveryType, recoveryWorkflowId } from "../recovery-messages.ts";
import type { HostRecovery } from "../recovery-messages.ts";
import type { Errand } from "./errands.ts";
import type { AgentState } from "./state.ts";

/**
 * Starts the recovery of a host, as a workflow of its own that outlives this run. Its id is the loss's, and no id is used
 * twice: a second start of the same recovery is refused by Temporal, whatever happened in between.
 */
export async function startRecovery(
  { agentId, host }: AgentState,
  { epoch, lostAtMs, downAtMs, evidence }: Extract<Errand, { type: "recover" }>,
): Promise<void> {
  const recovery: HostRecovery = {
    agentId,
    epoch,
    zone: host?.zone ?? "",
    cluster: host?.cluster ?? "",
    resourceType: host?.resourceType ?? "",
    lostAtMs,
    downAtMs,
    evidence,
  };
  try {
    await startChild(hostRecoveryType, {
      workflowId: recoveryWorkflowId(agentId, epoch),
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `recovery of host ${agentId}`.slice(0, 130),
      args: [recovery],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
