/** How far the host's evacuation is, for those who ask, the read model and the Temporal UI. */
import { progressOf, type EvacuationProgress } from "../../lifecycle/evacuation-progress.ts";
import type { AgentState } from "./state.ts";

export function progress(state: AgentState): EvacuationProgress | undefined {
  const { evacuation, session } = state;
  if (evacuation == null) return undefined;
  const surroundings = { agentAway: session === null, earlierPending: earlierPending(state) };
  return progressOf(evacuation, surroundings);
}

/** Whether Commands of an evacuation before the newest one are still under way. */
export function earlierPending({ evacuation, mailbox }: AgentState): boolean {
  return mailbox.pending.some(({ waiters }) =>
    waiters.some((waiter) => waiter.type === "evacuation" && waiter.no !== evacuation?.no),
  );
}

export function maintenanceView(state: AgentState): { maintenance?: EvacuationProgress } {
  const maintenance = progress(state);
  return maintenance === undefined ? {} : { maintenance };
}

/** One line for the evacuation and one for each machine that could not be moved, ten at most. */
export function maintenanceLines(state: AgentState): readonly string[] {
  const shown = progress(state);
  if (shown === undefined) return [];
  const { phase, policy, total, moved, stopped, remaining, waitingFor, outcome, deadlineAt } =
    shown;
  const counts = `${moved} moved, ${stopped} stopped, ${remaining} of ${total} left`;
  const now = outcome ?? `waiting for ${waitingFor ?? "nothing"}; deadline ${deadlineAt}`;
  return [
    `${phase} (policy ${policy}), ${counts}; ${now}`,
    ...shown.failed.slice(0, 10).map(({ vm, reason }) => `${vm}: ${reason}`),
  ];
}
