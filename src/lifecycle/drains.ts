/** Drains of gateways: what an operator asked, how far it is, and when it is over. Plain JSON, changed through one gate. */
import type { GatewayLoad } from "./balance-plan.ts";

/**
 * - `draining`: agents are being moved, or will be with the next look.
 * - `paused`: by an operator. New agents are not taken either.
 * - `drained`: it holds none any more, and takes none.
 * - `cancelled`: by an operator.
 * - `gone`: the gateway stopped, was lost or started anew: then it is as any other.
 */
export type DrainState = "draining" | "paused" | "drained" | "cancelled" | "gone";

export interface Drain {
  readonly gatewayId: string;
  /** The run of the gateway that is emptied, once it was looked at: another one starts afresh. */
  incarnation: string | undefined;
  readonly startedAtMs: number;
  readonly by: string | undefined;
  state: DrainState;
  agentsPerSecond: number;
  total: number;
  moved: number;
  failed: number;
  left: number;
  endedAtMs: number | undefined;
  reason: string | undefined;
  /** Of the last slice of moves. */
  movedPerSecond: number | undefined;
}

/** What an operator does, or the fleet shows. */
export type DrainEvent = "pause" | "resume" | "cancel" | "emptied" | "filled" | "gone";

const table: Readonly<Record<DrainState, Readonly<Partial<Record<DrainEvent, DrainState>>>>> = {
  draining: {
    pause: "paused",
    resume: "draining",
    cancel: "cancelled",
    emptied: "drained",
    gone: "gone",
  },
  paused: { pause: "paused", resume: "draining", cancel: "cancelled", gone: "gone" },
  // An agent may still connect: one that knows no other gateway, or was on its way.
  drained: { resume: "drained", cancel: "cancelled", filled: "draining", gone: "gone" },
  cancelled: {},
  gone: {},
};

/** The state that follows; undefined when the event has no place in the state. */
export function nextDrainState(state: DrainState, event: DrainEvent): DrainState | undefined {
  return table[state][event];
}

/** Whether the gateway takes no agents because of it. */
export function isOpen({ state }: Pick<Drain, "state">): boolean {
  return state === "draining" || state === "paused" || state === "drained";
}

/** A gateway as the read model has it. */
export interface FleetGateway {
  readonly id: string;
  readonly incarnation: string;
  readonly agentUrl: string;
  readonly joined: boolean;
  readonly weight: number;
  /** Agents with an open session there, by cluster. */
  readonly clusters: Readonly<Record<string, number>>;
}

function agentsAt(gateway: Pick<FleetGateway, "clusters">): number {
  return Object.values(gateway.clusters).reduce((sum, agents) => sum + agents, 0);
}

/** What the fleet says of a drain: the event, and how many agents are left. */
export function lookAt(
  drain: Drain,
  fleet: readonly FleetGateway[],
): { readonly left: number; readonly event: DrainEvent | undefined } {
  const gateway = fleet.find(({ id }) => id === drain.gatewayId);
  const { incarnation = gateway?.incarnation } = drain;
  if (gateway?.joined !== true || gateway.incarnation !== incarnation) {
    return { left: 0, event: "gone" };
  }
  const left = agentsAt(gateway);
  if (drain.state === "draining" && left === 0) return { left, event: "emptied" };
  if (drain.state === "drained" && left > 0) return { left, event: "filled" };
  return { left, event: undefined };
}

/**
 * The loads that the plan of moves goes by: gateways that are there. One whose drain is paused neither gives nor takes,
 * so it is left out.
 */
export function loadsOf(
  fleet: readonly FleetGateway[],
  drains: readonly Drain[],
): readonly GatewayLoad[] {
  const drainOf = (id: string) => drains.find((one) => one.gatewayId === id && isOpen(one));
  return fleet
    .filter(({ joined, id }) => joined && drainOf(id)?.state !== "paused")
    .map(({ id, weight, clusters }) => ({
      id,
      weight,
      draining: drainOf(id) !== undefined,
      clusters,
    }));
}

/** Seconds until a drain is done, at the rate of its last slice; undefined while nothing moves. */
export function etaSeconds({ state, left, movedPerSecond }: Drain): number | undefined {
  if (state !== "draining" || movedPerSecond === undefined || movedPerSecond <= 0) return undefined;
  return Math.ceil(left / movedPerSecond);
}
