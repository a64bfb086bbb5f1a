/** What the balancer remembers, as plain JSON. */
import type { Drain } from "../../lifecycle/drains.ts";

export interface BalancerState {
  /** Open drains, and the newest ended ones. */
  drains: Drain[];
  /** The round of moves that goes on. */
  round: Round | null;
  lastRound: EndedRound | null;
  lastLookAtMs: number | null;
  /** Null while it looks, and nothing happened that wants another look. */
  nextLookAtMs: number | null;
  /** Gateways whose row says that they drain. */
  marked: { readonly gatewayId: string; readonly incarnation: string }[];
}

export interface Round {
  readonly startedAtMs: number;
  moved: number;
  failed: number;
  /** Agents that the plan still moves. */
  left: number;
  /** Gateways that took agents: none of them gives any in this round, so that no agent moves twice. */
  takers: string[];
}

export interface EndedRound {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly moved: number;
  readonly failed: number;
}

export function newBalancerState(nowMs: number): BalancerState {
  return {
    drains: [],
    round: null,
    lastRound: null,
    lastLookAtMs: null,
    nextLookAtMs: nowMs,
    marked: [],
  };
}
