import { log } from "@temporalio/workflow";
import type { Agent } from "./agent.ts";
import type { ErrandDone } from "./inbox.ts";
import { onCancelNotTold } from "./requests.ts";

export function onErrandDone(agent: Agent, { no, failure }: ErrandDone): void {
  const { state } = agent;
  const queued = state.errands.find((one) => one.no === no);
  state.errands = state.errands.filter((one) => one !== queued);
  if (queued === undefined || failure === undefined) return;
  log.warn("errand failed", { no, type: queued.errand.type, failure });
  if (queued.errand.type === "cancelRequest") onCancelNotTold(agent, queued.errand);
}
