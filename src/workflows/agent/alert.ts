import type { Agent } from "./agent.ts";

/** Raises an alert, once for each loss; a Down raises again over a lost one, because it says more. */
export function raiseAlert(agent: Agent, kind: "lost" | "down", reason: string): void {
  const { state } = agent;
  if (state.alert === "down" || state.alert === kind) return;
  state.alert = kind;
  agent.note("alertRaised", `${kind === "down" ? "Host down" : "Agent lost"}: ${reason}`, { kind });
}

/** The agent is back, or gone for good. */
export function clearAlert(agent: Agent): void {
  const { state } = agent;
  if (state.alert === null) return;
  agent.note("alertCleared", `Alert cleared: the agent is ${state.status}`, { kind: state.alert });
  state.alert = null;
}
