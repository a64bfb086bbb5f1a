/** The balancer as operators see it: for the API, and as Markdown for the Temporal UI. */
import { etaSeconds, isOpen, type Drain } from "../../lifecycle/drains.ts";
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
    startedAt: iso(drain.startedAtMs),
    ...(drain.endedAtMs !== undefined && { endedAt: iso(drain.endedAtMs) }),
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
      round: { startedAt: iso(round.startedAtMs), moved: round.moved, left: round.left },
    }),
    ...(lastRound !== null && {
      lastRound: {
        startedAt: iso(lastRound.startedAtMs),
        endedAt: iso(lastRound.endedAtMs),
        moved: lastRound.moved,
        failed: lastRound.failed,
      },
    }),
    ...(lastLookAtMs !== null && { lastLookAt: iso(lastLookAtMs) }),
    ...(state.nextLookAtMs !== null && { nextLookAt: iso(state.nextLookAtMs) }),
  };
}

export function describe(state: BalancerState): string {
  const { round, lastRound } = state;
  const now =
    round === null
      ? "nothing moves"
      : `${round.moved} agents moved since ${iso(round.startedAtMs)}, ${round.left} to go`;
  const before =
    lastRound === null
      ? "none yet"
      : `${lastRound.moved} agents moved, ${lastRound.failed} stayed, until ${iso(lastRound.endedAtMs)}`;
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

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
