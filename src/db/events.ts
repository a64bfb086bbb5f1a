/** The event log. */
import type { Db } from "./pool.ts";

export interface EventRow {
  readonly id: number;
  readonly agentId: string;
  readonly no: number;
  readonly at: Date;
  readonly epoch: number;
  readonly type: string;
  readonly text: string;
  readonly data: unknown;
}

const columns = `id, agent_id AS "agentId", no, at, epoch, type, text, data`;

/**
 * Events after `afterId`, in id order, of one agent or of all. Events whose smaller ids are still being written
 * by another transaction are held back, so that a reader who resumes by id misses none.
 */
export async function listEvents(
  db: Db,
  filter: { afterId: number; limit: number; agentId?: string },
): Promise<EventRow[]> {
  const { rows } = await db.query<EventRow>(
    `SELECT ${columns} FROM events
      WHERE id > $1 AND ($2::text IS NULL OR agent_id = $2) AND tx < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY id LIMIT $3`,
    [filter.afterId, filter.agentId ?? null, filter.limit],
  );
  return rows;
}

/** The newest events of one agent, oldest first. */
export async function listNewestEvents(
  db: Db,
  agentId: string,
  limit: number,
): Promise<EventRow[]> {
  const { rows } = await db.query<EventRow>(
    `SELECT ${columns} FROM events WHERE agent_id = $1 ORDER BY no DESC LIMIT $2`,
    [agentId, limit],
  );
  return rows.reverse();
}

/** Id of the newest event, 0 when there is none: where a stream that wants only news begins. */
export async function newestEventId(db: Db): Promise<number> {
  const { rows } = await db.query<{ id: number }>(`SELECT coalesce(max(id), 0) AS id FROM events`);
  return rows[0]?.id ?? 0;
}
