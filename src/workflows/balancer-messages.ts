/** What the world may say to the `balancer` workflow, of which there is one. Its workflow id is its name. */
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { DrainState } from "../lifecycle/drains.ts";

export const balancerType = "balancer";
export const balancerWorkflowId = "balancer";

/** A gateway joined, left or was lost: the balancer looks at the fleet, a little later, so that several changes are one. */
export interface FleetChangedMessage {
  readonly reason: string;
}
export const fleetChangedSignal = defineSignal<[FleetChangedMessage]>("fleetChanged");

/** Empties a gateway: its agents are moved to the others, their new session before the old one ends. */
export interface DrainMessage {
  readonly gatewayId: string;
  /** Agents moved in a second, at most. */
  readonly agentsPerSecond?: number;
  readonly by?: string;
}
/** What an operator may do about a drain. */
export interface DrainVerbMessage {
  readonly gatewayId: string;
  readonly by?: string;
}
export const drainUpdate = defineUpdate<DrainView, [DrainMessage]>("drain");
export const pauseDrainUpdate = defineUpdate<DrainView, [DrainVerbMessage]>("pauseDrain");
export const resumeDrainUpdate = defineUpdate<DrainView, [DrainVerbMessage]>("resumeDrain");
/** The gateway takes agents again; those that were moved stay where they are until the shares say otherwise. */
export const cancelDrainUpdate = defineUpdate<DrainView, [DrainVerbMessage]>("cancelDrain");

/** Failure types of the Updates. */
export type BalancerRefusal = "INVALID_REQUEST" | "GATEWAY_UNKNOWN" | "NOT_DRAINING";

/** How a drain fares. */
export interface DrainView {
  readonly gatewayId: string;
  readonly state: DrainState;
  readonly agentsPerSecond: number;
  /** Agents at its start, moved since, tries that failed, and those that are still there. */
  readonly total: number;
  readonly moved: number;
  readonly failed: number;
  readonly left: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** At the rate of the last seconds; absent while nothing moves. */
  readonly etaSeconds?: number;
  /** Why it stands still, or ended. */
  readonly reason?: string;
  readonly by?: string;
}

/** What the balancer believes and does. */
export interface BalancerView {
  readonly drains: readonly DrainView[];
  /** The round of moves that goes on; absent while nothing moves. */
  readonly round?: { readonly startedAt: string; readonly moved: number; readonly left: number };
  readonly lastRound?: {
    readonly startedAt: string;
    readonly endedAt: string;
    readonly moved: number;
    readonly failed: number;
  };
  readonly lastLookAt?: string;
  /** Absent while it looks. */
  readonly nextLookAt?: string;
}
export const balancerQuery = defineQuery<BalancerView>("state");
