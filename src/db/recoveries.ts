/** Hosts that were declared Down, once for each loss. */
import type { Db } from "./pool.ts";
import { storableJson } from "./storable.ts";

export interface RecoveryRow {
  readonly agentId: string;
  readonly epoch: number;
  readonly downAt: Date;
  readonly evidence: unknown;
  readonly workloads: unknown;
  readonly recordedAt: Date;
}

const columns = `agent_id AS "agentId", epoch, down_at AS "downAt", evidence, workloads, recorded_at AS "recordedAt"`;

/**
 * Records a recovery with what last ran on the host, by its last pings; the first record of a loss stands, and its
 * workloads are given.
 */
export async function recordRecovery(
  db: Db,
  recovery: { agentId: string; epoch: number; downAtMs: number; evidence: unknown },
): Promise<unknown> {
  const { rows } = await db.query<{ workloads: unknown }>(
    `INSERT INTO recoveries AS r (agent_id, epoch, down_at, evidence, workloads)
     VALUES ($1, $2, to_timestamp($3::double precision / 1000), $4,
             coalesce((SELECT workloads FROM inventory WHERE agent_id = $1), '[]'))
     ON CONFLICT (agent_id, epoch) DO UPDATE SET agent_id = r.agent_id
     RETURNING workloads`,
    [recovery.agentId, recovery.epoch, recovery.downAtMs, storableJson(recovery.evidence)],
  );
  return rows[0]?.workloads ?? [];
}

/** The newest recoveries, of one agent or of all, newest first. */
export async function listRecoveries(
  db: Db,
  filter: { agentId?: string; limit: number },
): Promise<RecoveryRow[]> {
  const { rows } = await db.query<RecoveryRow>(
    `SELECT ${columns} FROM recoveries WHERE $1::text IS NULL OR agent_id = $1 ORDER BY down_at DESC LIMIT $2`,
    [filter.agentId ?? null, filter.limit],
  );
  return rows;
}
