/**
 * Who may run a direct agent, and when (DESIGN §8). Pure. Never two at a time: the owner's agents act for `actsForMs` after
 * it asked to renew its lease, by its own clock; others take the lease away when they have seen it stand still for
 * `goneAfterMs`, by theirs. No clock reading crosses a border, and a stopped process can only be late with its taking.
 */

export const directLease = {
  /** How often it is renewed, and how often others look at it. */
  renewEveryMs: 500,
  lookEveryMs: 1_000,
  /** From the asking for a renewal that succeeded. */
  actsForMs: 3_000,
  /** Longer by what an owner needs to end what it runs. */
  goneAfterMs: 5_000,
} as const;

/** A lease as others saw it last: since when `renewals` did not change, by the clock of who looks. */
export interface SeenLease {
  readonly id: string;
  readonly renewals: number;
  readonly sinceMs: number;
}

/**
 * What is known of the leases after a look, and which of them have stood still for so long that they may be ended. A lease
 * counts as renewed when it is seen so, which is never before it was.
 */
export function watchLeases(
  seen: readonly SeenLease[],
  leases: readonly { readonly id: string; readonly renewals: number }[],
  nowMs: number,
): { readonly seen: readonly SeenLease[]; readonly gone: readonly SeenLease[] } {
  const now = leases.map(({ id, renewals }): SeenLease => {
    const before = seen.find((one) => one.id === id && one.renewals === renewals);
    return before ?? { id, renewals, sinceMs: nowMs };
  });
  return {
    seen: now,
    gone: now.filter(({ sinceMs }) => nowMs - sinceMs >= directLease.goneAfterMs),
  };
}

/** A direct agent that nobody owns. */
export interface FreeAgent {
  readonly id: string;
  readonly resource: string;
  /** The gateway that it is being moved to. */
  readonly wantedBy: string | null;
  /** Since when it was seen free. */
  readonly sinceMs: number;
}

export interface ClaimFacts {
  readonly gatewayId: string;
  /** Gateways that may own direct agents, this one too, and how many each does. */
  readonly owned: ReadonlyMap<string, number>;
  readonly free: readonly FreeAgent[];
  /** Kinds of resources that this gateway runs. */
  readonly resources: readonly string[];
  /** Direct agents that it runs at most. */
  readonly agentsMax: number;
  readonly nowMs: number;
}

/** New claims of one look: each starts a process. */
const claimsAtOnce = 5;
/** How long an agent is left to the gateway that it is moved to, or to those that own less. */
const patienceMs = 5_000;

/**
 * The free agents that a gateway claims now: those that are moved to it, and its share of the others. What the one that
 * should does not take, in a while, anybody takes.
 */
export function pickClaims(facts: ClaimFacts): readonly FreeAgent[] {
  const { gatewayId, owned, free, resources, agentsMax, nowMs } = facts;
  const own = owned.get(gatewayId) ?? 0;
  const total = free.length + [...owned.values()].reduce((sum, count) => sum + count, 0);
  const share = Math.ceil(total / Math.max(1, owned.size));
  const picked: FreeAgent[] = [];
  const ours = free.filter(({ resource }) => resources.includes(resource));
  // Those that are moved here first.
  for (const agent of [...ours].sort((a, b) => rank(a, gatewayId) - rank(b, gatewayId))) {
    const has = own + picked.length;
    if (picked.length >= claimsAtOnce || has >= agentsMax) break;
    const { wantedBy, sinceMs } = agent;
    const isLeft = nowMs - sinceMs >= patienceMs;
    const isOthers = wantedBy !== null && wantedBy !== gatewayId && owned.has(wantedBy);
    const mayTake = isOthers ? isLeft : wantedBy === gatewayId || isLeft || has < share;
    if (mayTake) picked.push(agent);
  }
  return picked;
}

function rank({ wantedBy }: FreeAgent, gatewayId: string): number {
  return wantedBy === gatewayId ? 0 : 1;
}

const restartMs = { first: 500, most: 60_000 };
/** A run this long was a good one. */
export const goodRunMs = 30_000;

/**
 * How long to rest before an agent whose process ended is started again, in milliseconds.
 * @param failures in a row, from 1.
 * @param random from 0 up to 1: agents that failed together do not start together.
 */
export function restartDelayMs(failures: number, random: number): number {
  const whole = Math.min(restartMs.first * 2 ** (failures - 1), restartMs.most);
  return Math.round(whole * (0.5 + 0.5 * random));
}
