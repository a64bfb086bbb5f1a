/** How far a drain is, for terminals and for plain lines. */
import type { DrainJson } from "../api/types.ts";
import { plain } from "./plain.ts";
import { roughly } from "./times.ts";

const barWidth = 24;

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
  const share = total === 0 ? Number(drain.state === "drained") : (total - left) / total;
  const filled = Math.round(Math.max(0, share) * barWidth);
  const bar = `${"#".repeat(filled)}${"-".repeat(barWidth - filled)}`;
  const line = plain(`${gatewayId}  [${bar}] ${total - left}/${total}  ${drainLine(drain)}`);
  return line.length < width ? line : `${line.slice(0, width - 2)}…`;
}
