import { upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";
import type { SearchAttributeUpdatePair } from "@temporalio/common";
import { searchAttributeKeys } from "../start-options.ts";
import type { AgentState } from "./state.ts";

/** Brings the search attributes in line with the state: one event for all that changed, none when nothing did. */
export function showInSearch(state: AgentState): void {
  const shown = workflowInfo().typedSearchAttributes;
  const wanted: Record<keyof typeof searchAttributeKeys, string | null> = {
    status: state.status,
    resourceState: state.resourceState,
    zone: state.host?.zone ?? null,
    cluster: state.host?.cluster ?? null,
    gateway: state.session?.gatewayId ?? null,
    resourceType: state.host?.resourceType ?? null,
  };
  const changes: SearchAttributeUpdatePair[] = [];
  for (const [name, key] of Object.entries(searchAttributeKeys)) {
    const value = wanted[name as keyof typeof searchAttributeKeys];
    if ((shown.get(key) ?? null) !== value) changes.push({ key, value });
  }
  if (changes.length > 0) upsertSearchAttributes(changes);
}
