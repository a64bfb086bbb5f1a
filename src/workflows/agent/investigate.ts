/** What Investigators found, and how long one waits for a lost agent (DESIGN §5). */
import { concludingFinding, decideVerdict } from "../../lifecycle/verdict.ts";
import type { InvestigatorFinding } from "../../lifecycle/verdict.ts";
import { isLost } from "../../lifecycle/status-table.ts";
import type { Agent } from "./agent.ts";
import { raiseAlert } from "./alert.ts";
import { closeOnceAsked } from "./on-disconnect.ts";
import { effectiveSettings } from "./state.ts";

/** Whether the Investigators are to be asked now. */
export function investigationIsDue(agent: Agent): boolean {
  const at = agent.state.loss?.investigateAtMs;
  return at !== undefined && at <= agent.nowMs;
}

/** One Investigator has spoken. */
export function onFinding(agent: Agent, finding: InvestigatorFinding, tookMs: number): void {
  agent.note(
    "investigation",
    `Investigator ${finding.investigator}: ${finding.verdict}. ${finding.evidence}`,
    { ...finding, tookMs },
  );
  agent.state.lastVerdict = { ...finding, atMs: agent.nowMs };
  closeOnceAsked(agent);
}

/** All that were asked have spoken: Down if one proved it, else asked again later. */
export function onInvestigated(agent: Agent, findings: readonly InvestigatorFinding[]): void {
  const { state } = agent;
  if (state.loss?.investigateAtMs === undefined) return;
  const concluding = concludingFinding(findings);
  const decision = decideVerdict({
    status: state.status,
    finding: concluding,
    nowMs: agent.nowMs,
    investigateRetryMs: effectiveSettings(state).investigateRetryMs,
  });
  const verdict = concluding?.verdict ?? "Unknown";
  agent.note("verdict", `${verdict}: ${decision.reason}`, { verdict });
  if (concluding !== undefined) state.lastVerdict = { ...concluding, atMs: agent.nowMs };
  state.loss.investigateAtMs = decision.investigateAgainAtMs;
  if (decision.events.length === 0) return;
  state.loss.alertAtMs = undefined;
  agent.moveStatus(decision.events, decision.reason);
  if (decision.raiseAlert) raiseAlert(agent, "down", decision.reason);
}

/** The agent has been away for `alertWaitMs`: Alert, once. It goes on being investigated. */
export function alertIfWaitedTooLong(agent: Agent): void {
  const { loss, status } = agent.state;
  if (loss?.alertAtMs === undefined || loss.alertAtMs > agent.nowMs || !isLost(status)) return;
  loss.alertAtMs = undefined;
  const waitedMs = agent.nowMs - loss.atMs;
  const reason = `not back after ${Math.round(waitedMs / 1_000)} s; ${agent.state.statusReason}`;
  agent.moveStatus(["WaitedTooLong"], reason);
  raiseAlert(agent, "lost", reason);
}
