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
  readonly agents: number;
}

/** A gateway process introduces itself; a new incarnation replaces the row of the one before. */
export async function upsertGateway(
  db: Db,
  gateway: { id: string; incarnation: string; version: string; agentUrl: string; apiUrl: string },
): Promise<void> {
  await db.query(
    `INSERT INTO gateways (id, incarnation, version, agent_url, api_url, state) VALUES ($1, $2, $3, $4, $5, 'joined')
     ON CONFLICT (id) DO UPDATE SET incarnation = $2, version = $3, agent_url = $4, api_url = $5, state = 'joined',
       state_reason = '', started_at = now(), state_since = now()`,
    [gateway.id, gateway.incarnation, gateway.version, gateway.agentUrl, gateway.apiUrl],
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
            (SELECT count(*) FROM sessions s WHERE s.gateway_id = g.id AND s.gateway_incarnation = g.incarnation
               AND s.closed_at IS NULL) AS agents
       FROM gateways g ORDER BY g.id`,
  );
  return rows;
}

/** WebSocket URLs of the gateways that agents may dial. */
export async function listAgentUrls(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ agent_url: string }>(
    `SELECT agent_url FROM gateways WHERE state = 'joined' ORDER BY id`,
  );
  return rows.map((row) => row.agent_url);
}
