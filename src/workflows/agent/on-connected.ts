import { log } from "@temporalio/workflow";
import { pingDeadlineMs } from "../../lifecycle/deadlines.ts";
import { forgetAllBefore } from "../../lifecycle/mailbox-memory.ts";
import type { ConnectedMessage } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { onDisconnect } from "./on-disconnect.ts";
import { regain } from "./regain.ts";
import { effectiveSettings } from "./state.ts";
import type { AgentState } from "./state.ts";

/**
 * A new session. The newest epoch wins: it ends whatever loss there was and its investigation, and gets all that is
 * pending.
 */
export function onConnected(agent: Agent, message: ConnectedMessage): void {
  const { state } = agent;
  if (state.status === "Removed") {
    agent.send({
      type: "closeSession",
      gatewayId: message.gateway.gatewayId,
      epoch: message.epoch,
      why: "removed",
      details: "the agent is removed",
    });
  }
  if (state.status === "Removed" || message.epoch <= state.epoch) {
    log.info("connected ignored", { status: state.status, epoch: state.epoch, got: message.epoch });
    return;
  }
  if (state.epoch === 0) countOn(state, message.epoch, agent.nowMs);
  const { gateway, host } = message;
  state.epoch = message.epoch;
  state.session = {
    gatewayId: gateway.gatewayId,
    incarnation: gateway.incarnation,
    epoch: message.epoch,
  };
  state.host = host;
  state.settings = message.settings;
  state.loss = null;
  state.unhealthy = null;
  state.redeliver = [];
  state.deliverAgainAtMs = null;
  state.lastPingAtMs = agent.nowMs;
  state.pingDeadlineMs = pingDeadlineMs(
    { lastPingAtMs: agent.nowMs, vouchForMs: message.vouchForMs ?? 0 },
    effectiveSettings(state),
  );
  if (state.resourceState === "Creating") {
    agent.moveResourceState("InternalCreated", "connected for the first time");
  }
  const where = `session ${message.epoch} on gateway ${gateway.gatewayId}`;
  agent.note("connected", `Connected: ${where}, ${host.software}`, {
    gatewayId: gateway.gatewayId,
    incarnation: gateway.incarnation,
    software: host.software,
  });
  regain(agent, ["AgentConnected", "Ready"], `connected: ${where}`);
  tellOwnSettings(agent, message);
  endAtOnce(agent);
}

/**
 * A workflow that starts for an agent with earlier sessions replaces one that is gone: its numbers go on above whatever
 * that one gave out, because the event log and the agent's journal know those. What that one admitted is forgotten.
 */
function countOn(state: AgentState, epoch: number, nowMs: number): void {
  if (epoch <= 1) return;
  const floor = epoch * 1_000_000;
  state.eventNo = Math.max(state.eventNo, floor);
  forgetAllBefore(state.mailbox, nowMs);
  state.mailbox.nextSeq = Math.max(state.mailbox.nextSeq, floor);
}

/** The gateway read the agent's settings before an operator's change got there: it is told again. */
function tellOwnSettings(agent: Agent, message: ConnectedMessage): void {
  const settings = effectiveSettings(agent.state);
  const known = message.settings;
  if (
    settings.pingIntervalMs !== known.pingIntervalMs ||
    settings.pingTimeoutMultiplier !== known.pingTimeoutMultiplier
  ) {
    agent.send({
      type: "applySettings",
      gatewayId: message.gateway.gatewayId,
      epoch: message.epoch,
      settings,
    });
  }
}

/** The end of this very session overtook its beginning. */
function endAtOnce(agent: Agent): void {
  const early = agent.state.endedEarly;
  agent.state.endedEarly = null;
  if (early?.epoch === agent.state.epoch) onDisconnect(agent, early);
}
