/** How far an evacuation is, for operators. */
import type { EvacuationPolicy } from "../api/index.ts";
import { isActive, isLeft } from "./evacuation-state.ts";
import type { Evacuation, EvacuationPhase } from "./evacuation-types.ts";
import { isoTime } from "./iso-time.ts";

/** Machines that are named at most. */
const namedMax = 50;

export interface EvacuationProgress {
  readonly phase: EvacuationPhase;
  readonly policy: EvacuationPolicy;
  readonly by: string;
  readonly reason?: string;
  /** Machines that were found running; 0 until the first list came. */
  readonly total: number;
  readonly moved: number;
  readonly stopped: number;
  /** Machines that still have to leave the host, those named in `failed` included. */
  readonly remaining: number;
  /** Machines whose last try failed, and why; 50 at most. */
  readonly failed: readonly {
    readonly vm: string;
    readonly resource: string;
    readonly reason: string;
  }[];
  /** What it waits for, in words; absent when it has ended. */
  readonly waitingFor?: string;
  /** How it ended; absent while it goes on. */
  readonly outcome?: string;
  readonly startedAt: string;
  readonly deadlineAt: string;
  readonly endedAt?: string;
}

/** Whom an evacuation depends on beside itself. */
export interface EvacuationSurroundings {
  /** The agent has no session: its Commands wait for it. */
  readonly agentAway: boolean;
  /** Commands of an earlier evacuation are still under way. */
  readonly earlierPending: boolean;
}

export function progressOf(
  evacuation: Evacuation,
  surroundings: EvacuationSurroundings,
): EvacuationProgress {
  const { phase, policy, by, reason, vms, more, outcome, endedAtMs } = evacuation;
  const count = (state: string): number => vms.filter((vm) => vm.state === state).length;
  const moved = evacuation.moved + count("moved");
  const stopped = evacuation.stopped + count("stopped");
  const left = vms.filter(isLeft);
  const remaining = left.length + more;
  return {
    phase,
    policy,
    by,
    ...(reason !== undefined && { reason }),
    total: moved + stopped + remaining,
    moved,
    stopped,
    remaining,
    failed: left
      .flatMap(({ name, resource, problem }) =>
        problem === undefined ? [] : [{ vm: name, resource, reason: problem }],
      )
      .slice(0, namedMax),
    ...(isActive(evacuation) && { waitingFor: waitingFor(evacuation, surroundings) }),
    ...(outcome !== undefined && { outcome }),
    startedAt: isoTime(evacuation.startedAtMs),
    deadlineAt: isoTime(evacuation.deadlineAtMs),
    ...(endedAtMs !== undefined && { endedAt: isoTime(endedAtMs) }),
  };
}

function waitingFor(evacuation: Evacuation, surroundings: EvacuationSurroundings): string {
  const { phase, vms, nextTryAtMs, list, destinations, policy } = evacuation;
  if (phase === "claiming") return "its cluster's leave to be prepared";
  if (phase === "waiting") return `the next try at ${isoTime(nextTryAtMs ?? 0)}`;
  if (phase === "listing" && list.requestId === undefined && surroundings.earlierPending) {
    return "Commands of an earlier evacuation that are still under way";
  }
  if (surroundings.agentAway) return "the agent, which is away: its Commands wait for it";
  if (phase === "listing") return "the list of its machines";
  if (policy !== "stop" && destinations === undefined)
    return "the list of hosts that take machines";
  const asked = vms.flatMap((vm) => (vm.asked === undefined ? [] : [vm.name]));
  return `the Answers for ${asked.join(", ")}`;
}
