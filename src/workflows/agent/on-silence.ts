import { pingDeadlineMs } from "../../lifecycle/deadlines.ts";
import type { Agent } from "./agent.ts";
import type { SilenceAnswered } from "./inbox.ts";
import { lose } from "./disconnect.ts";
import { effectiveSettings } from "./state.ts";

/** Whether silence has lasted too long by the workflow's own reckoning: then its gateway is asked. */
export function silenceIsDue(agent: Agent): boolean {
  const { session, pingDeadlineMs: deadline } = agent.state;
  return session !== null && deadline !== null && deadline <= agent.nowMs;
}

/**
 * The session's gateway says what it knows of the agent's last ping. Only a ping that it has seen lately keeps the agent
 * Up; no answer counts as silence.
 */
export function onSilenceAnswered(agent: Agent, message: SilenceAnswered): void {
  const { state } = agent;
  if (message.epoch !== state.epoch || !silenceIsDue(agent)) return;
  const { answer } = message;
  const seen = answer?.heldHere === true ? answer.lastPingAgoMs : undefined;
  agent.note("pingTimeoutAsked", describe(answer), answer && { ...answer });
  if (seen !== undefined) {
    const lastPingAtMs = agent.nowMs - seen;
    state.lastPingAtMs = Math.max(state.lastPingAtMs ?? 0, lastPingAtMs);
    state.pingDeadlineMs = pingDeadlineMs(
      { lastPingAtMs, vouchForMs: answer?.vouchForMs ?? 0 },
      effectiveSettings(state),
    );
    if (state.pingDeadlineMs > agent.nowMs) return;
  }
  const silentForMs = agent.nowMs - (state.lastPingAtMs ?? agent.nowMs);
  lose(agent, { type: "pingTimeout", silentForMs }, message.epoch);
}

function describe(answer: SilenceAnswered["answer"]): string {
  if (answer === undefined) return "No ping in time; its gateway gave no answer";
  if (!answer.heldHere) return "No ping in time; its gateway holds no such session";
  if (answer.lastPingAgoMs === undefined) return "No ping in time; its gateway saw none either";
  return `No ping in time; its gateway saw the last one ${(answer.lastPingAgoMs / 1_000).toFixed(1)} s ago`;
}
