/** Gateway membership as others see it. */
import type { Db } from "./pool.ts";

export type GatewayState = "joined" | "lost" | "left";

export interface GatewayRow {
  readonly id: string;
  readonly incarnation: string;
  readonly version: string;
  readonly agentUrl: string;
  readonly apiUrl: string;
  readonly state: GatewayState;
  readonly stateReason: string;
  readonly startedAt: Date;
  readonly stateSince: Date;
  /** Its share of the agents in proportion to the others' weights. */
  readonly weight: number;
  /** It is being emptied, and takes no agents that could go elsewhere. */
  readonly draining: boolean;
  readonly agents: number;
}

/** A gateway process introduces itself; a new incarnation replaces the row of the one before. */
export async function upsertGateway(
  db: Db,
  gateway: {
    id: string;
    incarnation: string;
    version: string;
    agentUrl: string;
    apiUrl: string;
    weight?: number;
  },
): Promise<void> {
  await db.query(
    `INSERT INTO gateways (id, incarnation, version, agent_url, api_url, weight, state)
     VALUES ($1, $2, $3, $4, $5, $6, 'joined')
     ON CONFLICT (id) DO UPDATE SET incarnation = $2, version = $3, agent_url = $4, api_url = $5, weight = $6,
       state = 'joined', state_reason = '', draining = false, started_at = now(), state_since = now()`,
    [
      gateway.id,
      gateway.incarnation,
      gateway.version,
      gateway.agentUrl,
      gateway.apiUrl,
      gateway.weight ?? 1,
    ],
  );
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
            g.weight, g.draining,
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
