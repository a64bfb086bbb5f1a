/** How far a drain is, for terminals and for plain lines. */
import type { DrainJson } from "../api/types.ts";
import { progressBar } from "./progress-bar.ts";
import { roughly } from "./times.ts";

/** One line: state, agents, how much longer, and why it stands still or ended. */
export function drainLine({ state, moved, left, failed, etaSeconds, reason }: DrainJson): string {
  const tries = failed === 0 ? "" : `, ${failed} tries failed`;
  const eta = etaSeconds === undefined ? "" : `, about ${roughly(etaSeconds * 1_000)} more`;
  const why = reason === undefined ? "" : `: ${reason}`;
  return `${state}: ${moved} moved, ${left} left${tries}${eta}${why}`;
}

/** A bar that fits one terminal line of `width`: how many of the agents are elsewhere. */
export function drainBar(drain: DrainJson, width: number): string {
  const { gatewayId, total, left } = drain;
  const isDone = drain.state === "drained";
  const done = total - left;
  return progressBar({ done, total, isDone, label: gatewayId, note: drainLine(drain) }, width);
}
