/** The operators' verbs, as signals and as Updates: what they need, and what they do. */
import { ApplicationFailure } from "@temporalio/common";
import type { ResourceState, ResourceStateEvent } from "../../api/index.ts";
import { acceptedEvents, nextResourceState } from "../../lifecycle/resource-state-table.ts";
import { isLost } from "../../lifecycle/status-table.ts";
import type {
  ConfigureMessage,
  EnterMaintenanceMessage,
  OperatorVerb,
  VerbResult,
} from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { lose } from "./disconnect.ts";
import { judgeLossAnew } from "./on-disconnect.ts";
import { leaveMaintenance, prepareForMaintenance, whyNotEntered } from "./evacuate.ts";
import { endRecurring } from "./recurring.ts";
import { settleAll } from "./requests.ts";
import { effectiveSettings } from "./state.ts";

/** The event of a verb that moves the ResourceState; undefined for the other verbs. */
function eventOf(verb: OperatorVerb, state: ResourceState): ResourceStateEvent | undefined {
  switch (verb) {
    case "enterMaintenance":
      // What could not be done is tried again.
      return state === "ErrorInPrepareForMaintenance" ? "ErrorsCorrected" : "AdminAskMaintenance";
    case "cancelMaintenance":
      return "AdminCancelMaintenance";
    case "enable":
      return state === "Degraded" ? "EnableDegradedHost" : "Enable";
    case "disable":
      return "Disable";
    case "unmanage":
      return "Unmanage";
    case "manage":
      return "Manage";
    case "reconnect":
    case "remove":
      return undefined;
  }
}

/** Why a verb would be refused now; undefined when it may be done. Changes nothing. */
export function verbFailure(agent: Agent, verb: OperatorVerb): ApplicationFailure | undefined {
  const { status, resourceState } = agent.state;
  if (status === "Removed") return refused("REMOVED", "The agent is removed.");
  if (verb === "reconnect" && isLost(status)) {
    return refused(
      "NOT_CONNECTED",
      `The agent is ${status}: there is no session to end. It comes back by itself when its host and agent run.`,
    );
  }
  const event = eventOf(verb, resourceState);
  if (event === undefined || nextResourceState(resourceState, event) !== undefined)
    return undefined;
  if (verb === "enterMaintenance") {
    const already = whyNotEntered(agent);
    if (already !== undefined) return refused("RESOURCE_STATE", already);
  }
  return refused(
    "RESOURCE_STATE",
    `${verb} is not possible: the resource is ${resourceState}, which takes only ${acceptedEvents(resourceState).join(", ")}.`,
  );
}

/**
 * Does what an operator asked for.
 * @throws ApplicationFailure for what `verbFailure` says.
 */
export function onVerb(
  agent: Agent,
  verb: OperatorVerb,
  message: EnterMaintenanceMessage,
): VerbResult {
  const failure = verbFailure(agent, verb);
  if (failure !== undefined) throw failure;
  const by = message.by ?? "an operator";
  const why = message.reason === undefined ? "" : `: ${message.reason}`;
  const details = act(agent, verb, { ...message, by }, `${verb} by ${by}${why}`);
  return result(agent, details);
}

function act(
  agent: Agent,
  verb: OperatorVerb,
  message: EnterMaintenanceMessage & { readonly by: string },
  reason: string,
): string {
  const { state } = agent;
  const { by } = message;
  if (verb === "remove") {
    leaveMaintenance(agent, reason);
    lose(agent, { type: "removed", by }, state.epoch);
    endRecurring(agent);
    settleAll(agent);
    return "The agent is removed.";
  }
  if (verb === "reconnect") {
    lose(agent, { type: "reconnectAsked", by }, state.epoch);
    return "The agent is asked to reconnect.";
  }
  const event = eventOf(verb, state.resourceState);
  if (event === undefined) return "";
  const before = state.resourceState;
  const now = agent.moveResourceState(event, reason);
  if (now === "PrepareForMaintenance") prepareForMaintenance(agent, before, message);
  else if (now === "Enabled" || now === "Disabled") leaveMaintenance(agent, reason);
  judgeLossAnew(agent);
  return `${before} → ${now}${state.resourceState === now ? "" : ` → ${state.resourceState}`}`;
}

/** Changes the agent's own ping settings, for good, and tells its gateway. */
export function onConfigure(agent: Agent, message: ConfigureMessage): VerbResult {
  const { state } = agent;
  const { pingIntervalMs, pingTimeoutMultiplier } = message;
  const before = effectiveSettings(state);
  state.own = {
    ...state.own,
    ...(pingIntervalMs != null && { pingIntervalMs }),
    ...(pingTimeoutMultiplier != null && { pingTimeoutMultiplier }),
  };
  const settings = effectiveSettings(state);
  const text = `ping every ${settings.pingIntervalMs} ms, time-out at ${settings.pingTimeoutMultiplier} intervals`;
  agent.note("configured", `Configured by ${message.by ?? "an operator"}: ${text}`, {
    before,
    after: settings,
  });
  if (state.session !== null) {
    // The deadline that runs was set for the old interval; the agent learns the new one with its next ping.
    const { gatewayId, epoch } = state.session;
    agent.send({ type: "applySettings", gatewayId, epoch, settings });
  }
  return result(agent, text);
}

function result(agent: Agent, details: string): VerbResult {
  const { status, resourceState } = agent.state;
  return { status, resourceState, details };
}

function refused(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
