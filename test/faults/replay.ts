/** Histories of the lifecycles, and whether they can be replayed: a lifecycle that leaves a worker's cache has to be. */
// A CommonJS module whose names Node does not see.
import proto from "@temporalio/proto";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { buildWorkflowBundle, type WorkflowBundle } from "../../src/worker/bundle.ts";
import { agentWorkflowId } from "../../src/workflows/agent-messages.ts";
import { agentIds, type FaultStack } from "./stack.ts";

const { History } = proto.temporal.api.history.v1;
let bundle: Promise<WorkflowBundle> | undefined;
let isInstalled = false;

/** Of the newest run of each agent's lifecycle; those that Temporal does not give are left out. */
export async function historiesOf(stack: FaultStack) {
  const found = await Promise.allSettled(
    agentIds.map(async (agentId) => {
      const workflowId = agentWorkflowId(agentId);
      const handle = stack.temporal.workflow.getHandle(workflowId);
      return { workflowId, history: History.fromObject(await handle.fetchHistory()) };
    }),
  );
  return found.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

/** As the recorded histories of `test/replay` are written. */
export function asJson(history: proto.temporal.api.history.v1.History): unknown {
  return History.toObject(history, { longs: String, enums: String, bytes: String });
}

export async function notReplayed(stack: FaultStack): Promise<readonly string[]> {
  // Core makes its runtime anew for each replay: with metrics it would want back a port that somebody else may have by then.
  if (!isInstalled) Runtime.install({ logger: new DefaultLogger("ERROR"), shutdownSignals: [] });
  isInstalled = true;
  bundle ??= buildWorkflowBundle();
  const histories = await historiesOf(stack);
  const found: string[] = [];
  const results = Worker.runReplayHistories({ workflowBundle: await bundle }, histories);
  for await (const { workflowId, error } of results) {
    if (error !== undefined) found.push(`${workflowId} can't be replayed: ${error.message}`);
  }
  return found;
}
