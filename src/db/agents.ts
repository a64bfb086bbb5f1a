/** The read model of agents. Written by the `recordAgent` activity, read by the operator API. */
import type { CommandTraits, ResourceState, Status } from "../api/index.ts";
import type { Db } from "./pool.ts";
import type { RefusalOfAgent } from "./refusals.ts";
import { forgetRemoved } from "./removal.ts";
import { storableJson, storableText } from "./storable.ts";

/** One agent as operators see it in lists. */
export interface AgentRow {
  readonly id: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly status: Status;
  readonly statusReason: string;
  readonly statusSince: Date;
  readonly resourceState: ResourceState;
  readonly host: unknown;
  readonly gatewayId: string | null;
  readonly epoch: number | null;
  readonly connectedAt: Date | null;
  /** So much is lost at once that a Down verdict on this host is held back. */
  readonly braked: boolean;
  /** Its last handshake was refused; null when it was good. */
  readonly refusal: RefusalOfAgent | null;
  /** How far its evacuation is; null when it is not in maintenance nor on its way there. */
  readonly maintenance: unknown;
}

const columns = `a.id, a.zone, a.cluster, a.resource_type AS "resourceType", a.status, a.status_reason AS "statusReason",
  a.status_since AS "statusSince", a.resource_state AS "resourceState", a.host,
  CASE WHEN s.closed_at IS NULL THEN s.gateway_id END AS "gatewayId", s.epoch, s.connected_at AS "connectedAt",
  a.braked, a.maintenance,
  CASE WHEN r.agent_id IS NOT NULL THEN json_build_object('code', r.code, 'reason', r.reason, 'peer', r.peer,
    'gatewayId', r.gateway_id, 'zone', r.zone, 'cluster', r.cluster, 'resourceType', r.resource_type,
    'firstAt', r.first_at, 'lastAt', r.last_at, 'count', r.count) END AS refusal`;
const joined = `agents a LEFT JOIN sessions s ON s.agent_id = a.id LEFT JOIN refusals r ON r.agent_id = a.id`;

/** Agents in id order after `after`, with every given field equal. */
export async function listAgents(
  db: Db,
  filter: {
    after?: string;
    limit: number;
    zone?: string;
    cluster?: string;
    resourceType?: string;
    status?: Status;
    resourceState?: ResourceState;
    gatewayId?: string;
    /** Removed agents are left out unless asked for. */
    withRemoved?: boolean;
    /** Those alone whose last handshake was refused. */
    refused?: boolean;
  },
): Promise<AgentRow[]> {
  const { rows } = await db.query<AgentRow>(
    `SELECT ${columns} FROM ${joined}
      WHERE a.id > $1
        AND ($2::text IS NULL OR a.zone = $2) AND ($3::text IS NULL OR a.cluster = $3)
        AND ($4::text IS NULL OR a.resource_type = $4) AND ($5::text IS NULL OR a.status = $5)
        AND ($6::text IS NULL OR a.resource_state = $6)
        AND ($7::text IS NULL OR (s.gateway_id = $7 AND s.closed_at IS NULL))
        AND ($8 OR a.removed_at IS NULL) AND (NOT $9 OR r.agent_id IS NOT NULL)
      ORDER BY a.id LIMIT $10`,
    [
      filter.after ?? "",
      filter.zone ?? null,
      filter.cluster ?? null,
      filter.resourceType ?? null,
      filter.status ?? null,
      filter.resourceState ?? null,
      filter.gatewayId ?? null,
      filter.withRemoved ?? false,
      filter.refused ?? false,
      filter.limit,
    ],
  );
  return rows;
}

export async function findAgent(db: Db, agentId: string): Promise<AgentRow | undefined> {
  const { rows } = await db.query<AgentRow>(`SELECT ${columns} FROM ${joined} WHERE a.id = $1`, [
    agentId,
  ]);
  return rows[0];
}

/** Traits of the Command types that an agent declared when it last connected; undefined when it declared none. */
export async function findCommandTypes(
  db: Db,
  agentId: string,
): Promise<Readonly<Record<string, CommandTraits>> | undefined> {
  const { rows } = await db.query<{ types: Record<string, CommandTraits> | null }>({
    name: "find-command-types",
    text: `SELECT host -> 'commandTypes' AS types FROM agents WHERE id = $1`,
    values: [agentId],
  });
  return rows[0]?.types ?? undefined;
}

/** How many agents are in each Status. */
export async function countByStatus(db: Db): Promise<Map<Status, number>> {
  const { rows } = await db.query<{ status: Status; count: number }>(
    `SELECT status, count(*) AS count FROM agents WHERE removed_at IS NULL GROUP BY status`,
  );
  return new Map(rows.map((row) => [row.status, row.count]));
}

/** One line to append to the event log. */
export interface EventToAppend {
  readonly no: number;
  readonly atMs: number;
  readonly epoch: number;
  readonly type: string;
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * Writes an agent's row and appends its events in one statement. Idempotent: an event number is kept once,
 * and a record whose newest event is older than the row leaves the row alone. So every change of the row needs
 * an event beside it. Removed is for good: it revokes the agent's secret, and nothing is written over it.
 */
export async function writeAgentRecord(
  db: Db,
  record: {
    agentId: string;
    status: Status;
    statusReason: string;
    statusSinceMs: number;
    resourceState: ResourceState;
    pingIntervalMs?: number;
    pingTimeoutMultiplier?: number;
    /** Since when a loss lasts that nobody expects, and whether a Down of it is held back. */
    lostAtMs?: number;
    braked?: boolean;
    /** How far the host's evacuation is. */
    maintenance?: unknown;
    events: readonly EventToAppend[];
  },
): Promise<void> {
  await db.query({
    name: "write-agent-record",
    text: `WITH agent AS (
       UPDATE agents SET status = $2, status_reason = $3, status_since = to_timestamp($4::double precision / 1000),
              resource_state = $5, ping_interval_ms = $6, ping_timeout_multiplier = $7,
              removed_at = CASE WHEN $2 = 'Removed' THEN coalesce(removed_at, now()) END,
              secret_hash = CASE WHEN $2 = 'Removed' THEN '' ELSE secret_hash END, last_event_no = $8,
              lost_at = to_timestamp($10::double precision / 1000), braked = $11, maintenance = $12::jsonb
        WHERE id = $1 AND last_event_no <= $8 AND (removed_at IS NULL OR $2 = 'Removed'))
     INSERT INTO events (agent_id, no, at, epoch, type, text, data)
     SELECT $1, e.no, to_timestamp(e."atMs" / 1000), e.epoch, e.type, e.text, e.data
       FROM jsonb_to_recordset($9::jsonb)
         AS e(no bigint, "atMs" double precision, epoch bigint, type text, text text, data jsonb)
     ON CONFLICT (agent_id, no) DO NOTHING`,
    values: [
      record.agentId,
      record.status,
      storableText(record.statusReason),
      record.statusSinceMs,
      record.resourceState,
      record.pingIntervalMs ?? null,
      record.pingTimeoutMultiplier ?? null,
      record.events.at(-1)?.no ?? 0,
      storableJson(record.events),
      record.lostAtMs ?? null,
      record.braked ?? false,
      storableJson(record.maintenance),
    ],
  });
  if (record.status === "Removed") await forgetRemoved(db, record.agentId);
}

/** Up agents with a session in the same cluster, never the host itself; where there are more than `atMost`, any of them. */
export async function listNeighbours(
  db: Db,
  lost: { agentId: string; zone: string; cluster: string; atMost: number },
): Promise<{ agentId: string; gatewayId: string }[]> {
  const { rows } = await db.query<{ agentId: string; gatewayId: string }>(
    `SELECT a.id AS "agentId", s.gateway_id AS "gatewayId"
       FROM agents a JOIN sessions s ON s.agent_id = a.id AND s.closed_at IS NULL
      WHERE a.zone = $1 AND a.cluster = $2 AND a.id <> $3 AND a.status = 'Up' AND a.removed_at IS NULL
      ORDER BY random() LIMIT $4`,
    [lost.zone, lost.cluster, lost.agentId, lost.atMost],
  );
  return rows;
}
