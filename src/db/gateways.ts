/** Gateway membership as others see it. */
import type { Db } from "./pool.ts";

export type GatewayState = "joined" | "lost" | "left";

export interface GatewayRow {
  readonly id: string;
  readonly incarnation: string;
  readonly version: string;
  readonly agentUrl: string;
  readonly apiUrl: string;
  /** Where other gateways reach it. */
  readonly peerUrl: string;
  readonly state: GatewayState;
  readonly stateReason: string;
  readonly startedAt: Date;
  readonly stateSince: Date;
  /** Its share of the agents in proportion to the others' weights. */
  readonly weight: number;
  /** It is being emptied, and takes no agents that could go elsewhere. */
  readonly draining: boolean;
  readonly agents: number;
  /** Since it reported last; null: it never did. The rest is what it said then. */
  readonly reportAgoMs: number | null;
  /** Since Temporal confirmed its lease; null: it has none. */
  readonly leaseAgoMs: number | null;
  /** By how much its event loop was late, of the worst hundredth. */
  readonly lagMs: number | null;
  /** Requests of callers, on both lanes. */
  readonly requestsPerSecond: number | null;
  /** It was cut off and sent its agents away. */
  readonly fencedBecause: string | null;
}

/** What a gateway says of itself now and then. */
export interface GatewayReport {
  readonly leaseAgoMs: number | null;
  readonly lagMs: number;
  readonly requestsPerSecond: number;
  readonly fencedBecause: string | null;
}

/**
 * A gateway process introduces itself; a new incarnation replaces the row of the one before.
 * @param earlier incarnations of the same process: given, the row is replaced only if it is of one of them.
 * @returns false when it was not, because another process has taken the id.
 */
export async function upsertGateway(
  db: Db,
  gateway: {
    id: string;
    incarnation: string;
    version: string;
    agentUrl: string;
    apiUrl: string;
    peerUrl?: string;
    weight?: number;
  },
  earlier?: readonly string[],
): Promise<boolean> {
  const { rowCount } = await db.query(
    `INSERT INTO gateways (id, incarnation, version, agent_url, api_url, weight, peer_url, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'joined')
     ON CONFLICT (id) DO UPDATE SET incarnation = $2, version = $3, agent_url = $4, api_url = $5, weight = $6,
       peer_url = $7, state = 'joined', state_reason = '', draining = false, started_at = now(), state_since = now(),
       reported_at = NULL, lease_ago_ms = NULL, fenced_because = NULL
       WHERE $8::text[] IS NULL OR gateways.incarnation = ANY ($8::text[])`,
    [
      gateway.id,
      gateway.incarnation,
      gateway.version,
      gateway.agentUrl,
      gateway.apiUrl,
      gateway.weight ?? 1,
      gateway.peerUrl ?? null,
      earlier ?? null,
    ],
  );
  return rowCount === 1;
}

/** Keeps what a gateway says of itself; gives the incarnation whose row it is, undefined when there is none. */
export async function reportGateway(
  db: Db,
  gatewayId: string,
  incarnation: string,
  report: GatewayReport,
): Promise<string | undefined> {
  const { rows } = await db.query<{ incarnation: string }>({
    name: "report-gateway",
    text: `WITH reported AS (
             UPDATE gateways SET reported_at = now(), lease_ago_ms = $3, lag_ms = $4, requests_per_second = $5,
               fenced_because = $6 WHERE id = $1 AND incarnation = $2)
           SELECT incarnation FROM gateways WHERE id = $1`,
    values: [
      gatewayId,
      incarnation,
      report.leaseAgoMs === null ? null : Math.round(report.leaseAgoMs),
      report.lagMs,
      report.requestsPerSecond,
      report.fencedBecause,
    ],
  });
  return rows[0]?.incarnation;
}

/** Marks a gateway, unless a newer incarnation has taken its place. */
export async function markGateway(
  db: Db,
  gatewayId: string,
  incarnation: string,
  state: GatewayState,
  reason: string,
): Promise<void> {
  await db.query(
    `UPDATE gateways SET state = $3, state_reason = $4, state_since = now()
      WHERE id = $1 AND incarnation = $2 AND state <> $3`,
    [gatewayId, incarnation, state, reason],
  );
}

export async function listGateways(db: Db): Promise<GatewayRow[]> {
  const { rows } = await db.query<GatewayRow>(
    `SELECT g.id, g.incarnation, g.version, g.agent_url AS "agentUrl", g.api_url AS "apiUrl", g.state,
            g.state_reason AS "stateReason", g.started_at AS "startedAt", g.state_since AS "stateSince",
            g.weight, g.draining, coalesce(g.peer_url, g.api_url) AS "peerUrl",
            round(extract(epoch FROM now() - g.reported_at) * 1000)::integer AS "reportAgoMs",
            round(g.lease_ago_ms + extract(epoch FROM now() - g.reported_at) * 1000)::integer AS "leaseAgoMs",
            g.lag_ms AS "lagMs", g.requests_per_second AS "requestsPerSecond", g.fenced_because AS "fencedBecause",
            (SELECT count(*) FROM sessions s WHERE s.gateway_id = g.id AND s.gateway_incarnation = g.incarnation
               AND s.closed_at IS NULL) AS agents
       FROM gateways g ORDER BY g.id`,
  );
  return rows;
}

/** Marks whether a run of a gateway is being emptied; nothing when another one has taken its place. */
export async function markDraining(
  db: Db,
  gatewayId: string,
  incarnation: string,
  draining: boolean,
): Promise<void> {
  await db.query(`UPDATE gateways SET draining = $3 WHERE id = $1 AND incarnation = $2`, [
    gatewayId,
    incarnation,
    draining,
  ]);
}

/** The agents that a gateway holds, of one cluster. */
export interface ClusterLoad {
  readonly gatewayId: string;
  readonly zone: string;
  readonly cluster: string;
  readonly agents: number;
}

/** How many agents of which cluster have an open session with the present run of each gateway. */
export async function listClusterLoads(db: Db): Promise<ClusterLoad[]> {
  const { rows } = await db.query<ClusterLoad>(
    `SELECT g.id AS "gatewayId", a.zone, a.cluster, count(*) AS agents
       FROM gateways g
       JOIN sessions s ON s.gateway_id = g.id AND s.gateway_incarnation = g.incarnation AND s.closed_at IS NULL
       JOIN agents a ON a.id = s.agent_id
      GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  );
  return rows;
}
