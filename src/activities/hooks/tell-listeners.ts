/** What listeners are told of an agent's events, once they are in the event log. */
import {
  resourceStates,
  statuses,
  type ResourceState,
  type ResourceStateChange,
  type Status,
  type StatusChange,
} from "../../api/index.ts";
import type { Listeners } from "../../hooks/listeners.ts";
import type { AgentEvent, AgentRecord } from "../../workflows/activity-types.ts";

/** A record is written again when its writer was not heard: listeners see the same `no` twice then. */
export function tellListeners(listeners: Listeners, { agentId, events }: AgentRecord): void {
  if (listeners.all.length === 0) return;
  for (const event of events) tellOne(listeners, agentId, event);
}

/** Types that listeners have no method for are passed over: the event stream has them all. */
function tellOne(listeners: Listeners, agentId: string, event: AgentEvent): void {
  if (event.type === "status") {
    const change = statusChange(agentId, event);
    if (change === undefined) return;
    listeners.tell("onStatusChanged", agentId, () => ({ ...change }));
    if (change.to !== "Down") return;
    const down = news(agentId, event);
    listeners.tell("onHostDown", agentId, () => ({ ...down }));
  } else if (event.type === "resourceState") {
    const change = resourceStateChange(agentId, event);
    if (change === undefined) return;
    listeners.tell("onResourceStateChanged", agentId, () => ({ ...change }));
  }
}

function statusChange(agentId: string, event: AgentEvent): StatusChange | undefined {
  const { from, to } = event.data ?? {};
  return isStatus(from) && isStatus(to) ? { ...news(agentId, event), from, to } : undefined;
}

function resourceStateChange(agentId: string, event: AgentEvent): ResourceStateChange | undefined {
  const { from, to } = event.data ?? {};
  return isResourceState(from) && isResourceState(to)
    ? { ...news(agentId, event), from, to }
    : undefined;
}

function news(agentId: string, { no, atMs, epoch, text }: AgentEvent) {
  return { agentId, no, at: new Date(atMs).toISOString(), epoch, reason: text };
}

function isStatus(value: unknown): value is Status {
  return statuses.some((status) => status === value);
}

function isResourceState(value: unknown): value is ResourceState {
  return resourceStates.some((state) => state === value);
}
