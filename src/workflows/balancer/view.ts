/** The balancer as operators see it: for the API, and as Markdown for the Temporal UI. */
import { etaSeconds, isOpen, type Drain } from "../../lifecycle/drains.ts";
import { isoTime } from "../../lifecycle/iso-time.ts";
import type { BalancerView, DrainView } from "../balancer-messages.ts";
import type { BalancerState } from "./state.ts";

export function viewOfDrain(drain: Drain): DrainView {
  const eta = etaSeconds(drain);
  return {
    gatewayId: drain.gatewayId,
    state: drain.state,
    agentsPerSecond: drain.agentsPerSecond,
    total: drain.total,
    moved: drain.moved,
    failed: drain.failed,
    left: drain.left,
    startedAt: isoTime(drain.startedAtMs),
    ...(drain.endedAtMs !== undefined && { endedAt: isoTime(drain.endedAtMs) }),
    ...(eta !== undefined && { etaSeconds: eta }),
    ...(drain.reason !== undefined && { reason: drain.reason }),
    ...(drain.by !== undefined && { by: drain.by }),
  };
}

export function viewOf(state: BalancerState): BalancerView {
  const { round, lastRound, lastLookAtMs } = state;
  return {
    drains: state.drains.map(viewOfDrain),
    ...(round !== null && {
      round: { startedAt: isoTime(round.startedAtMs), moved: round.moved, left: round.left },
    }),
    ...(lastRound !== null && {
      lastRound: {
        startedAt: isoTime(lastRound.startedAtMs),
        endedAt: isoTime(lastRound.endedAtMs),
        moved: lastRound.moved,
        failed: lastRound.failed,
      },
    }),
    ...(lastLookAtMs !== null && { lastLookAt: isoTime(lastLookAtMs) }),
    ...(state.nextLookAtMs !== null && { nextLookAt: isoTime(state.nextLookAtMs) }),
  };
}

export function describe(state: BalancerState): string {
  const { round, lastRound } = state;
  const now =
    round === null
      ? "nothing moves"
      : `${round.moved} agents moved since ${isoTime(round.startedAtMs)}, ${round.left} to go`;
  const before =
    lastRound === null
      ? "none yet"
      : `${lastRound.moved} agents moved, ${lastRound.failed} stayed, until ${isoTime(lastRound.endedAtMs)}`;
  return [
    `## ${now}`,
    "",
    `- **Last round**: ${before}`,
    ...state.drains
      .filter(isOpen)
      .map(
        (drain) =>
          `- **${drain.gatewayId}** is ${drain.state}: ${drain.moved} moved, ${drain.left} left, ${drain.failed} tries failed`,
      ),
  ].join("\n");
}
