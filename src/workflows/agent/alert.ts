import type { AlertKind } from "../../lifecycle/disconnect-types.ts";
import type { Agent } from "./agent.ts";

/** What each alert says, and its rank: one of a higher rank says more and is raised over the other. */
const alerts: Readonly<Record<AlertKind, { readonly rank: number; readonly title: string }>> = {
  lost: { rank: 1, title: "Agent lost" },
  braked: { rank: 2, title: "Down held back" },
  down: { rank: 3, title: "Host down" },
};

/** Raises an alert, once for each loss and kind; one that says less than the one that stands is not raised. */
export function raiseAlert(agent: Agent, kind: AlertKind, reason: string): void {
  const { state } = agent;
  if (state.alert !== null && alerts[state.alert].rank >= alerts[kind].rank) return;
  state.alert = kind;
  agent.note("alertRaised", `${alerts[kind].title}: ${reason}`, { kind });
}

/** The agent is back, said why it went, or is gone for good. */
export function clearAlert(agent: Agent): void {
  const { state } = agent;
  if (state.alert === null) return;
  agent.note("alertCleared", `Alert cleared: the agent is ${state.status}`, { kind: state.alert });
  state.alert = null;
}
