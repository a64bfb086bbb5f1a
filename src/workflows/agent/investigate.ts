/** What Investigators found, and how long one waits for a lost agent (DESIGN §5). */
import { isLost } from "../../lifecycle/status-table.ts";
import type { BrakeAnswer, InvestigatorFinding } from "../../lifecycle/disconnect-types.ts";
import { concludingFinding } from "../../lifecycle/verdict.ts";
import type { Agent } from "./agent.ts";
import { closeOnceAsked, learn } from "./disconnect.ts";

/** Findings kept of one loss, for people: the newest round is a handful. */
const askedMax = 20;

/** Whether the Investigators are to be asked now. */
export function investigationIsDue(agent: Agent): boolean {
  const at = agent.state.loss?.investigateAtMs;
  return at !== undefined && at <= agent.nowMs;
}

/** One Investigator has spoken. */
export function onFinding(
  agent: Agent,
  finding: InvestigatorFinding,
  tookMs: number,
  isFirst: boolean,
): void {
  const { loss } = agent.state;
  agent.note(
    "investigation",
    `Investigator ${finding.investigator}: ${finding.verdict}. ${finding.evidence}`,
    { ...finding, tookMs },
  );
  const atMs = agent.nowMs;
  agent.state.lastVerdict = { ...finding, atMs };
  if (loss !== null) {
    const before = isFirst ? [] : (loss.asked ?? []);
    loss.asked = [...before, { ...finding, tookMs, atMs }].slice(-askedMax);
  }
  closeOnceAsked(agent);
}

/** All that were asked have spoken: Down if one proved it and the brake lets it, else asked again later. */
export function onInvestigated(
  agent: Agent,
  findings: readonly InvestigatorFinding[],
  brake: BrakeAnswer | undefined,
): void {
  const { state } = agent;
  if (state.loss?.investigateAtMs === undefined) return;
  const concluding = concludingFinding(findings);
  if (concluding !== undefined) state.lastVerdict = { ...concluding, atMs: agent.nowMs };
  learn(agent, { type: "investigated", ...(brake !== undefined && { brake }) }, findings);
}

/** The agent has been away for `alertWaitMs`: Alert, once. It goes on being investigated. */
export function alertIfWaitedTooLong(agent: Agent): void {
  const { loss, status } = agent.state;
  if (loss?.alertAtMs === undefined || loss.alertAtMs > agent.nowMs || !isLost(status)) return;
  learn(agent, { type: "waitedTooLong", lostForMs: agent.nowMs - loss.atMs }, []);
}
