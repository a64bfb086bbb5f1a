/** Agents whose last handshake was refused: written by gateways, gone with the next good handshake. */
import type { Db } from "./pool.ts";
import { storableJson } from "./storable.ts";

/** A refused agent as operators see it. */
export interface RefusalRow {
  readonly agentId: string;
  /** Whether the id is bound to an agent; else nobody of this id was ever admitted. */
  readonly registered: boolean;
  readonly code: string;
  /** What is wrong and what to change. */
  readonly reason: string;
  /** Address that it dialled from. */
  readonly peer: string;
  readonly gatewayId: string;
  /** Where it says that it is, and what. */
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  /** Since when it is refused for this reason. */
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly count: number;
}

/** The part of a refusal that the agent's own row shows; its times are ISO texts. */
export type RefusalOfAgent = Omit<RefusalRow, "agentId" | "registered" | "firstAt" | "lastAt"> & {
  readonly firstAt: string;
  readonly lastAt: string;
};

/** One refusal, or several of the same agent, to be written. */
export type RefusalToWrite = Omit<RefusalRow, "registered" | "firstAt" | "lastAt"> & {
  /** How long ago the last of them was. */
  readonly agoMs: number;
};

/** Writes refusals in one statement. One that a good handshake has overtaken is left out. */
export async function writeRefusals(db: Db, refusals: readonly RefusalToWrite[]): Promise<void> {
  await db.query(
    `INSERT INTO refusals AS r
            (agent_id, code, reason, peer, gateway_id, zone, cluster, resource_type, first_at, last_at, count)
     SELECT n."agentId", n.code, n.reason, n.peer, n."gatewayId", n.zone, n.cluster, n."resourceType",
            now() - n."agoMs" * interval '1 ms', now() - n."agoMs" * interval '1 ms', n.count
       FROM jsonb_to_recordset($1::jsonb)
         AS n("agentId" text, code text, reason text, peer text, "gatewayId" text, zone text, cluster text,
              "resourceType" text, count bigint, "agoMs" double precision)
      WHERE NOT EXISTS (SELECT 1 FROM sessions s
                         WHERE s.agent_id = n."agentId" AND s.connected_at > now() - n."agoMs" * interval '1 ms')
     ON CONFLICT (agent_id) DO UPDATE
        SET code = EXCLUDED.code, reason = EXCLUDED.reason, peer = EXCLUDED.peer, gateway_id = EXCLUDED.gateway_id,
            zone = EXCLUDED.zone, cluster = EXCLUDED.cluster, resource_type = EXCLUDED.resource_type,
            first_at = CASE WHEN r.code = EXCLUDED.code THEN r.first_at ELSE EXCLUDED.first_at END,
            last_at = EXCLUDED.last_at,
            count = CASE WHEN r.code = EXCLUDED.code THEN r.count ELSE 0 END + EXCLUDED.count`,
    [storableJson(refusals)],
  );
}

/** An agent that has not been refused for so long dials no more. */
const keptFor = "1 day";

/**
 * Keeps the table small: refusals of long ago go, and of ids that nobody has bound the newest `unregisteredMax` stay;
 * those without the right join token go first, since anybody can make them.
 */
export async function trimRefusals(db: Db, unregisteredMax: number): Promise<void> {
  await db.query(
    `DELETE FROM refusals WHERE last_at < now() - interval '${keptFor}' OR agent_id IN (
       SELECT r.agent_id FROM refusals r
        WHERE NOT EXISTS (SELECT 1 FROM agents a WHERE a.id = r.agent_id)
        ORDER BY r.code IN ('JOIN_TOKEN_NEEDED', 'JOIN_TOKEN_WRONG', 'UNSUPPORTED_VERSION'), r.last_at DESC
       OFFSET $1)`,
    [unregisteredMax],
  );
}

const columns = `r.agent_id AS "agentId", a.id IS NOT NULL AS registered, r.code, r.reason, r.peer,
  r.gateway_id AS "gatewayId", r.zone, r.cluster, r.resource_type AS "resourceType", r.first_at AS "firstAt",
  r.last_at AS "lastAt", r.count`;

/** Refused agents in id order after `after`, with every given field equal. */
export async function listRefusals(
  db: Db,
  filter: {
    after?: string;
    limit: number;
    registered?: boolean;
    zone?: string;
    cluster?: string;
    resourceType?: string;
    gatewayId?: string;
  },
): Promise<RefusalRow[]> {
  const { rows } = await db.query<RefusalRow>(
    `SELECT ${columns} FROM refusals r LEFT JOIN agents a ON a.id = r.agent_id
      WHERE r.agent_id > $1 AND ($2::boolean IS NULL OR (a.id IS NOT NULL) = $2)
        AND ($3::text IS NULL OR r.zone = $3) AND ($4::text IS NULL OR r.cluster = $4)
        AND ($5::text IS NULL OR r.resource_type = $5) AND ($6::text IS NULL OR r.gateway_id = $6)
      ORDER BY r.agent_id LIMIT $7`,
    [
      filter.after ?? "",
      filter.registered ?? null,
      filter.zone ?? null,
      filter.cluster ?? null,
      filter.resourceType ?? null,
      filter.gatewayId ?? null,
      filter.limit,
    ],
  );
  return rows;
}

export async function findRefusal(db: Db, agentId: string): Promise<RefusalRow | undefined> {
  const { rows } = await db.query<RefusalRow>(
    `SELECT ${columns} FROM refusals r LEFT JOIN agents a ON a.id = r.agent_id WHERE r.agent_id = $1`,
    [agentId],
  );
  return rows[0];
}
