/**
 * Who should hold how many agents, and what has to move for it (DESIGN §8). Pure: counts in, moves out. The agents
 * themselves are picked when a move is carried out, so that ten thousand of them are no argument here.
 */

/** A gateway and the agents that it holds. */
export interface GatewayLoad {
  readonly id: string;
  /** Its share in proportion to the others'; 0 takes none. */
  readonly weight: number;
  /** It is being emptied: its share is nothing, whatever its weight. */
  readonly draining: boolean;
  /** Agents by cluster. */
  readonly clusters: Readonly<Record<string, number>>;
}

/** Names a cluster in a plan: its own name is unique in its zone only. */
export function clusterKey(zone: string, cluster: string): string {
  return `${zone}/${cluster}`;
}

/** The agents of one gateway by cluster, out of those of all. */
export function clustersOf(
  loads: readonly {
    readonly gatewayId: string;
    readonly zone: string;
    readonly cluster: string;
    readonly agents: number;
  }[],
  gatewayId: string,
): Readonly<Record<string, number>> {
  const own = loads.filter((load) => load.gatewayId === gatewayId);
  return Object.fromEntries(
    own.map(({ zone, cluster, agents }) => [clusterKey(zone, cluster), agents]),
  );
}

/** So many agents of a cluster go from one gateway to another. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly cluster: string;
  readonly agents: number;
}

/** Differences that move nobody: agents come and go, and a move is not free. */
export interface Hysteresis {
  /** Agents more or less than its share. */
  readonly agents: number;
  /** The same, as a part of its share. */
  readonly part: number;
}

export const defaultHysteresis: Hysteresis = { agents: 2, part: 0.1 };

interface Side {
  readonly id: string;
  readonly clusters: Map<string, number>;
  /** Agents to give, or to take. */
  left: number;
}

/**
 * The moves that end within one agent of the weighted even share, no more of them than that takes. A gateway gives or
 * takes, never both, so no agent moves twice. Whole clusters go first, to where others of them are already, so that a
 * cluster stays together where that costs nothing. Empty while the differences are small and nobody drains, and where
 * nobody can take any.
 */
export function planMoves(
  gateways: readonly GatewayLoad[],
  hysteresis: Hysteresis = defaultHysteresis,
): readonly Move[] {
  const shares = evenShares(gateways);
  if (shares === undefined || !isWorthIt(gateways, shares, hysteresis)) return [];
  const givers: Side[] = [];
  const takers: Side[] = [];
  for (const gateway of gateways) {
    const surplus = agentsOf(gateway) - (shares.get(gateway.id) ?? 0);
    const side = { id: gateway.id, clusters: new Map(Object.entries(gateway.clusters)) };
    if (surplus > 0) givers.push({ ...side, left: surplus });
    if (surplus < 0) takers.push({ ...side, left: -surplus });
  }
  return merged([...wholeClusters(givers, takers), ...partsOfClusters(givers, takers)]);
}

/**
 * Agents for each gateway in proportion to the weights, as whole numbers that add up. What is left over by rounding goes
 * to those who hold more than their share already, so that it moves nobody. Undefined when no gateway takes agents.
 */
export function evenShares(
  gateways: readonly GatewayLoad[],
): ReadonlyMap<string, number> | undefined {
  const weightOf = ({ weight, draining }: GatewayLoad) => (draining ? 0 : Math.max(0, weight));
  const weights = gateways.reduce((sum, gateway) => sum + weightOf(gateway), 0);
  if (weights <= 0) return undefined;
  const total = gateways.reduce((sum, gateway) => sum + agentsOf(gateway), 0);
  const exact = gateways.map((gateway) => {
    const share = (total * weightOf(gateway)) / weights;
    return { gateway, share, floor: Math.floor(share + 1e-9) };
  });
  const shares = new Map(exact.map(({ gateway, floor }) => [gateway.id, floor]));
  const leftOver = total - exact.reduce((sum, { floor }) => sum + floor, 0);
  const byNeed = exact
    .filter(({ share, floor }) => share - floor > 1e-9)
    .sort(
      (a, b) =>
        heldAbove(b) - heldAbove(a) ||
        b.share - b.floor - (a.share - a.floor) ||
        (a.gateway.id < b.gateway.id ? -1 : 1),
    );
  for (const { gateway, floor } of byNeed.slice(0, leftOver)) shares.set(gateway.id, floor + 1);
  return shares;
}

/** Whether a gateway holds more than its share rounded down: then one more costs no move. */
function heldAbove({ gateway, floor }: { gateway: GatewayLoad; floor: number }): 0 | 1 {
  return agentsOf(gateway) > floor ? 1 : 0;
}

function isWorthIt(
  gateways: readonly GatewayLoad[],
  shares: ReadonlyMap<string, number>,
  { agents, part }: Hysteresis,
): boolean {
  return gateways.some((gateway) => {
    const share = shares.get(gateway.id) ?? 0;
    const held = agentsOf(gateway);
    if (share === 0) return held > 0;
    return Math.abs(held - share) > Math.max(agents, part * share);
  });
}

/** Largest first, each to the taker that has most of it already, else to the one with most room. */
function* wholeClusters(givers: readonly Side[], takers: readonly Side[]): Iterable<Move> {
  const candidates = givers
    .flatMap((giver) =>
      [...giver.clusters].map(([cluster, agents]) => ({ giver, cluster, agents })),
    )
    .sort((a, b) => b.agents - a.agents || (a.cluster < b.cluster ? -1 : 1));
  for (const { giver, cluster, agents } of candidates) {
    if (agents === 0 || agents > giver.left) continue;
    const taker = bestTaker(takers, cluster, agents);
    if (taker !== undefined) yield move(giver, taker, cluster, agents);
  }
}

/** What whole clusters left open: clusters that are split already first, then the smallest, so that few are torn. */
function* partsOfClusters(givers: readonly Side[], takers: readonly Side[]): Iterable<Move> {
  for (const giver of givers) {
    while (giver.left > 0) {
      const cluster = clusterToSplit(giver, takers);
      const taker = cluster === undefined ? undefined : bestTaker(takers, cluster, 1);
      if (cluster === undefined || taker === undefined) break;
      const agents = Math.min(giver.left, taker.left, giver.clusters.get(cluster) ?? 0);
      yield move(giver, taker, cluster, agents);
    }
  }
}

function clusterToSplit(giver: Side, takers: readonly Side[]): string | undefined {
  const known = (cluster: string) =>
    takers.some((taker) => taker.left > 0 && (taker.clusters.get(cluster) ?? 0) > 0);
  const [first] = [...giver.clusters]
    .filter(([, agents]) => agents > 0)
    .sort(
      ([a, agentsOfA], [b, agentsOfB]) =>
        Number(known(b)) - Number(known(a)) || agentsOfA - agentsOfB || (a < b ? -1 : 1),
    );
  return first?.[0];
}

function bestTaker(takers: readonly Side[], cluster: string, agents: number): Side | undefined {
  const [best] = takers
    .filter(({ left }) => left >= agents)
    .sort(
      (a, b) =>
        (b.clusters.get(cluster) ?? 0) - (a.clusters.get(cluster) ?? 0) ||
        b.left - a.left ||
        (a.id < b.id ? -1 : 1),
    );
  return best;
}

function move(giver: Side, taker: Side, cluster: string, agents: number): Move {
  giver.left -= agents;
  taker.left -= agents;
  giver.clusters.set(cluster, (giver.clusters.get(cluster) ?? 0) - agents);
  taker.clusters.set(cluster, (taker.clusters.get(cluster) ?? 0) + agents);
  return { from: giver.id, to: taker.id, cluster, agents };
}

/** One move for each way of a cluster. */
function merged(moves: readonly Move[]): readonly Move[] {
  const byWay = new Map<string, Move>();
  for (const one of moves) {
    const way = JSON.stringify([one.from, one.to, one.cluster]);
    const known = byWay.get(way);
    byWay.set(way, known === undefined ? one : { ...one, agents: known.agents + one.agents });
  }
  return [...byWay.values()];
}

function agentsOf({ clusters }: GatewayLoad): number {
  return Object.values(clusters).reduce((sum, agents) => sum + agents, 0);
}
