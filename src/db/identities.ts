/** Identity and sessions of agents: who may connect, and who holds the socket. */
import type { Db } from "./pool.ts";
import { storableJson } from "./storable.ts";

/** What the handshake needs to know of an agent id. */
export interface Identity {
  readonly secretHash: Buffer;
  readonly removed: boolean;
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly pingIntervalMs: number | null;
  readonly pingTimeoutMultiplier: number | null;
  /** For a direct agent: of the secret that its present owner made for it, which alone counts. */
  readonly directSecretHash: Buffer | null;
}

export async function findIdentity(db: Db, agentId: string): Promise<Identity | undefined> {
  const { rows } = await db.query<Identity>({
    name: "find-identity",
    text: `SELECT a.secret_hash AS "secretHash", removed_at IS NOT NULL AS removed, a.zone, a.cluster,
            resource_type AS "resourceType", ping_interval_ms AS "pingIntervalMs",
            ping_timeout_multiplier AS "pingTimeoutMultiplier", d.secret_hash AS "directSecretHash"
       FROM agents a LEFT JOIN direct_agents d ON d.id = a.id WHERE a.id = $1`,
    values: [agentId],
  });
  return rows[0];
}

/** Registers a new agent with its secret; false when the id exists already (also by another gateway just now). */
export async function registerIdentity(
  db: Db,
  agent: {
    id: string;
    secretHash: Buffer;
    zone: string;
    cluster: string;
    resourceType: string;
    host: unknown;
  },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `INSERT INTO agents (id, secret_hash, zone, cluster, resource_type, host)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
    [
      agent.id,
      agent.secretHash,
      agent.zone,
      agent.cluster,
      agent.resourceType,
      storableJson(agent.host),
    ],
  );
  return rowCount === 1;
}

/**
 * Takes the next epoch of an agent for a gateway and records what the agent said of itself; an earlier refusal of the
 * agent is over.
 * Undefined when the agent is not registered or was removed, or is a direct agent that this run of the gateway does not
 * own.
 */
export async function takeEpoch(
  db: Db,
  session: {
    agentId: string;
    gatewayId: string;
    incarnation: string;
    zone: string;
    cluster: string;
    resourceType: string;
    host: unknown;
  },
): Promise<number | undefined> {
  const { rows } = await db.query<{ epoch: number }>({
    name: "take-epoch",
    text: `WITH agent AS (
       UPDATE agents SET zone = $4, cluster = $5, resource_type = $6, host = $7
        WHERE id = $1 AND removed_at IS NULL AND NOT EXISTS (
          SELECT FROM direct_agents d LEFT JOIN direct_leases l ON l.id = d.lease_id
           WHERE d.id = $1 AND (l.gateway_id, l.incarnation) IS DISTINCT FROM ($2, $3))
       RETURNING id),
     refusal AS (DELETE FROM refusals WHERE agent_id = $1)
     INSERT INTO sessions AS s (agent_id, epoch, gateway_id, gateway_incarnation)
     SELECT id, 1, $2, $3 FROM agent
     ON CONFLICT (agent_id) DO UPDATE
       SET epoch = s.epoch + 1, gateway_id = $2, gateway_incarnation = $3, connected_at = now(), closed_at = NULL
     RETURNING epoch`,
    values: [
      session.agentId,
      session.gatewayId,
      session.incarnation,
      session.zone,
      session.cluster,
      session.resourceType,
      storableJson(session.host),
    ],
  });
  return rows[0]?.epoch;
}

/** Notes that a session's socket is closed; nothing when a newer session has begun. */
export async function closeSession(db: Db, agentId: string, epoch: number): Promise<void> {
  await db.query({
    name: "close-session",
    text: `UPDATE sessions SET closed_at = now() WHERE agent_id = $1 AND epoch = $2 AND closed_at IS NULL`,
    values: [agentId, epoch],
  });
}

/** Notes that every session of one run of a gateway is gone with it. */
export async function closeSessionsOfGateway(
  db: Db,
  gatewayId: string,
  incarnation: string,
): Promise<void> {
  await db.query(
    `UPDATE sessions SET closed_at = now()
      WHERE gateway_id = $1 AND gateway_incarnation = $2 AND closed_at IS NULL`,
    [gatewayId, incarnation],
  );
}

/** Where an agent's socket is held. */
export interface Route {
  readonly epoch: number;
  readonly gatewayId: string;
  readonly incarnation: string;
  readonly apiUrl: string | null;
  /** Where other gateways reach that one. */
  readonly peerUrl: string | null;
}

/** The open session of an agent; undefined when it has none. */
export async function findRoute(db: Db, agentId: string): Promise<Route | undefined> {
  const { rows } = await db.query<Route>({
    name: "find-route",
    text: `SELECT s.epoch, s.gateway_id AS "gatewayId", s.gateway_incarnation AS incarnation, g.api_url AS "apiUrl",
            coalesce(g.peer_url, g.api_url) AS "peerUrl"
       FROM sessions s LEFT JOIN gateways g ON g.id = s.gateway_id AND g.incarnation = s.gateway_incarnation
      WHERE s.agent_id = $1 AND s.closed_at IS NULL`,
    values: [agentId],
  });
  return rows[0];
}

/** The agents that have their open session on one run of a gateway. */
export interface AgentsOfGateway {
  readonly agents: number;
  /** The shortest of their ping time-outs; null when none is known yet. */
  readonly pingTimeoutMs: number | null;
}

export async function surveyAgentsOfGateway(
  db: Db,
  gatewayId: string,
  incarnation: string,
): Promise<AgentsOfGateway> {
  const { rows } = await db.query<AgentsOfGateway>(
    `SELECT count(*) AS agents, min(a.ping_interval_ms * a.ping_timeout_multiplier) AS "pingTimeoutMs"
       FROM sessions s JOIN agents a ON a.id = s.agent_id
      WHERE s.gateway_id = $1 AND s.gateway_incarnation = $2 AND s.closed_at IS NULL`,
    [gatewayId, incarnation],
  );
  return rows[0] ?? { agents: 0, pingTimeoutMs: null };
}

/** Agents whose open session is on one run of a gateway, in id order after `after`. */
export async function listAgentsOfGateway(
  db: Db,
  gatewayId: string,
  incarnation: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await db.query<{ agent_id: string }>(
    `SELECT agent_id FROM sessions
      WHERE gateway_id = $1 AND gateway_incarnation = $2 AND closed_at IS NULL AND agent_id > $3
      ORDER BY agent_id LIMIT $4`,
    [gatewayId, incarnation, after, limit],
  );
  return rows.map((row) => row.agent_id);
}
