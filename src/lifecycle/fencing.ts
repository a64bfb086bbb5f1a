/**
 * When a gateway takes itself out (DESIGN §8). One that can't keep its lease, or can't reach PostgreSQL, is about to be given
 * up, so its agents have to go elsewhere; but an outage of Temporal or PostgreSQL that hits all gateways alike is none of its
 * own, and agents that were thrown off then would find nobody. Only what other gateways say tells the two apart.
 */

/** The lease ends so long after the last heartbeat that Temporal has. */
export const leaseMs = 5_000;

/** A gateway that knows nothing newer than this can't vouch for what it holds. */
const knownForMs = 5_000;
/** Doubt that lasts shorter ends by itself: a lease that broke is offered once more. Counted while the gateway runs. */
const doubtMsMin = 2_000;
/** After a common outage gateways get their leases back one after the other: the first is no proof against the rest. */
const peerSureMsMin = 8_000;
/** A gateway that nobody answers for so long is cut off itself. */
const isolatedMsMin = 10_000;

/**
 * What another gateway said when it was asked.
 * - `sure`: it has its lease and PostgreSQL, since so long.
 * - `unsure`: it answers, and lacks one of them.
 * - `dead`: its machine says that nobody listens there.
 * - `silent`: no answer at all, as if the way were cut.
 */
export type PeerWord =
  | { readonly type: "sure"; readonly forMs: number }
  | { readonly type: "unsure" | "dead" | "silent" };

/** Ages by the gateway's own monotonic clock, counted from before the question that was answered. */
export interface OwnStanding {
  /** Since Temporal confirmed the lease; undefined: this run has never had it, so nobody can have taken it away. */
  readonly leaseAgoMs: number | undefined;
  /** Since PostgreSQL answered. */
  readonly databaseAgoMs: number;
}

/** What this gateway knows of its standing is too old: until it is newer, it vouches for nobody. */
export function isInDoubt({ leaseAgoMs, databaseAgoMs }: OwnStanding): boolean {
  return (leaseAgoMs ?? 0) > knownForMs || databaseAgoMs > knownForMs;
}

/**
 * Why the gateway has to send its agents away, in words; undefined when it may keep them.
 * @param doubtForMs how long it has been in doubt, not counting the time that it stood still itself.
 * @param peers what the other gateways said just now.
 */
export function whyFence(
  standing: OwnStanding,
  doubtForMs: number,
  peers: readonly PeerWord[],
): string | undefined {
  if (!isInDoubt(standing) || doubtForMs < doubtMsMin) return undefined;
  const what =
    standing.databaseAgoMs > knownForMs
      ? "it does not reach PostgreSQL"
      : "Temporal does not confirm its lease";
  if (peers.some((peer) => peer.type === "sure" && peer.forMs >= peerSureMsMin)) {
    return `${what}, while other gateways do well`;
  }
  const reachable = peers.some(({ type }) => type === "sure" || type === "unsure");
  const cutOff = !reachable && peers.some(({ type }) => type === "silent");
  return cutOff && doubtForMs >= isolatedMsMin ? `${what}, nor any other gateway` : undefined;
}
