/**
 * `agentLifecycle`: the whole life of one agent, from its first session until it is removed. This file is the wiring: the
 * rules are in `src/lifecycle`, what is done by them in `agent/`.
 */
import { continueAsNew, workflowInfo } from "@temporalio/workflow";
import { setHandlers } from "./agent/handlers.ts";
import { Life } from "./agent/life.ts";
import { newAgentState } from "./agent/state.ts";
import { listenForRenewal } from "./renewal.ts";
import type { AgentState } from "./agent/state.ts";

/** Given by the run before; absent at the start. */
export interface AgentLifecycleInput {
  readonly state?: AgentState;
}

export async function agentLifecycle(input: AgentLifecycleInput = {}): Promise<void> {
  const life = new Life(
    input.state ?? newAgentState(agentIdOf(workflowInfo().workflowId), Date.now()),
  );
  listenForRenewal(() => {
    life.renew();
  });
  setHandlers(life);
  await life.run((state) => continueAsNew<typeof agentLifecycle>({ state }));
}

/** Workflow ids are `agent/<agentId>`. */
function agentIdOf(workflowId: string): string {
  return workflowId.replace(/^agent\//, "");
}
