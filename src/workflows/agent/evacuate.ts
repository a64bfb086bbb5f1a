/**
 * Maintenance of the agent's host: the evacuation of `src/lifecycle/evacuation-*.ts`, carried out. Its Commands are
 * durable Requests to the agent itself, so they outlive reconnects, renewals and killed workers like any caller's.
 */
import { log, patched, uuid4 } from "@temporalio/workflow";
import type { ResourceState } from "../../api/index.ts";
import { onClaim, onDestinations } from "../../lifecycle/evacuation-answers.ts";
import {
  beginEvacuation,
  endEvacuation,
  evacuationWakeMs,
  isActive,
  maintenanceEvent,
  openRequests,
  retryEvacuation,
} from "../../lifecycle/evacuation-state.ts";
import type { EvacuationOrder } from "../../lifecycle/evacuation-state.ts";
import { stepEvacuation } from "../../lifecycle/evacuation-step.ts";
import { evacuationSettings } from "../../lifecycle/evacuation-types.ts";
import type { Evacuation } from "../../lifecycle/evacuation-types.ts";
import type { EnterMaintenanceMessage } from "../agent-messages.ts";
import { admitOwn } from "./admit.ts";
import type { Agent } from "./agent.ts";
import { noteNews } from "./evacuation-news.ts";
import type { MaintenanceJobEnded } from "./inbox.ts";
import { earlierPending, progress } from "./maintenance-view.ts";
import { judgeLossAnew } from "./on-disconnect.ts";
import { onCancel } from "./requests.ts";
import type { AgentState } from "./state.ts";

/** Why a host can't enter maintenance, where that is because it is in it or on its way; undefined otherwise. */
export function whyNotEntered({ state }: Agent): string | undefined {
  if (state.resourceState === "Maintenance") return "The host is in Maintenance already.";
  if (state.resourceState !== "PrepareForMaintenance") return undefined;
  const { remaining, waitingFor } = progress(state) ?? {};
  const left = remaining === undefined ? "" : `, ${remaining} machines are left`;
  const wait = waitingFor === undefined ? "" : `; it waits for ${waitingFor}`;
  return `The host is being prepared for maintenance already${left}${wait}. Wait, or cancel its maintenance.`;
}

/** The ResourceState has become PrepareForMaintenance by an operator: begins to empty the host, or tries again. */
export function prepareForMaintenance(
  agent: Agent,
  before: ResourceState,
  message: EnterMaintenanceMessage & { readonly by: string },
): void {
  const { state } = agent;
  if (!patched("evacuation")) {
    // Histories from before hosts were evacuated.
    agent.moveResourceState("InternalEnterMaintenance", `entered by ${message.by}`);
    return;
  }
  const order = orderOf(state, message);
  const how = `policy ${order.policy}, ${Math.round(order.deadlineMs / 1_000)} s at most`;
  const { evacuation } = state;
  if (before === "ErrorInPrepareForMaintenance" && evacuation != null && isActive(evacuation)) {
    retryEvacuation(evacuation, order, agent.nowMs);
    noteNews(agent, [{ step: "retried", text: `Evacuation tried again by ${order.by}: ${how}` }]);
  } else {
    const no = (state.evacuationNo ?? 0) + 1;
    const from = before === "ErrorInMaintenance" ? before : "Enabled";
    state.evacuationNo = no;
    state.evacuation = beginEvacuation(no, from, order, agent.nowMs);
    noteNews(agent, [{ step: "started", text: `Evacuation begun by ${order.by}: ${how}` }]);
  }
  driveMaintenance(agent);
}

function orderOf(
  { settings }: AgentState,
  { by, reason, policy, deadlineMs }: EnterMaintenanceMessage & { readonly by: string },
): EvacuationOrder {
  return {
    by,
    ...(reason !== undefined && { reason }),
    policy: policy ?? settings.evacuationPolicy ?? evacuationSettings.policy,
    deadlineMs: deadlineMs ?? settings.maintenanceDeadlineMs ?? evacuationSettings.deadlineMs,
  };
}

/** The host is no longer on its way to maintenance, nor in it: what is under way is cancelled, what was moved stays. */
export function leaveMaintenance(agent: Agent, reason: string): void {
  const { evacuation } = agent.state;
  if (evacuation == null) return;
  if (!isActive(evacuation)) {
    agent.state.evacuation = null;
    return;
  }
  const open = openRequests(evacuation);
  endEvacuation(evacuation, "cancelled", reason, agent.nowMs);
  cancelAll(agent, open, "the evacuation was cancelled");
  noteFinished(agent, evacuation);
}

/** Does all that the evacuation can do now, and brings the ResourceState in line with it. */
export function driveMaintenance(agent: Agent): void {
  const { state } = agent;
  const { evacuation } = state;
  if (evacuation == null || state.status === "Removed") return;
  const open = openRequests(evacuation);
  const step = stepEvacuation(evacuation, {
    nowMs: agent.nowMs,
    newId: () => `evacuation/${uuid4()}`,
    resources: state.host?.resources.map(({ name }) => name) ?? [],
    hostIsDown: state.status === "Down",
    earlierPending: earlierPending(state),
  });
  noteNews(agent, step.news);
  for (const { requestId, commands, waitMs } of step.requests) {
    const wired = commands.map((command) => ({ ...command, id: uuid4() }));
    const waiter = { type: "evacuation", no: evacuation.no } as const;
    admitOwn(agent, waiter, { requestId, commands: wired, onError: "continue", waitMs });
  }
  if (!isActive(evacuation)) cancelAll(agent, open, "the evacuation ended");
  const event = maintenanceEvent(evacuation, state.resourceState);
  if (event === undefined) return;
  if (!isActive(evacuation)) noteFinished(agent, evacuation);
  agent.moveResourceState(event, evacuation.outcome ?? troubleOf(state));
  judgeLossAnew(agent);
}

export function maintenanceWakeMs({ evacuation }: AgentState): number | undefined {
  return evacuation == null ? undefined : evacuationWakeMs(evacuation);
}

/** Postgres has answered, or is no longer asked. */
export function onMaintenanceJob(agent: Agent, ended: MaintenanceJobEnded): void {
  const { state } = agent;
  const { evacuation } = state;
  if (ended.job === "release") {
    state.slotHeld = false;
    return;
  }
  if (evacuation?.no !== ended.no || ended.job === "stopped") return;
  if (ended.job === "destinations") onDestinations(evacuation, ended.destinations);
  else {
    if (ended.heldBy !== undefined) state.slotHeld = false;
    onClaim(evacuation, ended.heldBy, agent.nowMs);
  }
}

function cancelAll(agent: Agent, requestIds: readonly string[], reason: string): void {
  for (const requestId of requestIds) onCancel(agent, { requestId, reason });
}

function noteFinished(agent: Agent, { phase, outcome = "" }: Evacuation): void {
  const { moved = 0, stopped = 0, remaining = 0, failed = [] } = progress(agent.state) ?? {};
  const counts = `${moved} moved, ${stopped} stopped, ${remaining} left`;
  log.info("evacuation ended", { phase, moved, stopped, remaining, outcome });
  const data = { phase, moved, stopped, remaining, failed };
  noteNews(agent, [
    { step: "finished", text: `Evacuation ${phase} (${counts}): ${outcome}`, data },
  ]);
}

/** Why the ResourceState changed in the middle. */
function troubleOf(state: AgentState): string {
  const first = progress(state)?.failed[0];
  return first === undefined
    ? "what failed before succeeded, or is tried again"
    : `${first.vm} could not be taken off the host: ${first.reason}`;
}
