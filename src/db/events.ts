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
 * Events after the one with id `afterId` (0: from the beginning), of one agent or of all, of some types or of all, in the
 * order of the stream.
 * That is the order of the writing transactions, not of ids: two writers' ids may become visible in either order.
 * Events beside which another transaction is still writing are held back, so whoever resumes with the last id
 * that was seen misses none and gets none twice.
 */
export async function listEvents(
  db: Db,
  filter: {
    afterId: number;
    limit: number;
    agentId?: string | undefined;
    types?: readonly string[] | undefined;
  },
): Promise<EventRow[]> {
  const { rows } = await db.query<EventRow>(
    `SELECT ${columns} FROM events
      WHERE (tx, id) > (coalesce((SELECT tx FROM events WHERE id <= $1 ORDER BY id DESC LIMIT 1), '0'), $1)
        AND ($2::text IS NULL OR agent_id = $2) AND ($4::text[] IS NULL OR type = ANY ($4)) AND tx < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY tx, id LIMIT $3`,
    [filter.afterId, filter.agentId ?? null, filter.limit, filter.types ?? null],
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

/** A session of an agent. */
export interface SessionRef {
  readonly agentId: string;
  readonly epoch: number;
}

/** Which of the agents have an event of a session that is newer than the one named: their lifecycles have taken it up. */
export async function listRecordedAfter(
  db: Db,
  sessions: readonly SessionRef[],
): Promise<readonly string[]> {
  const { rows } = await db.query<{ agentId: string }>({
    name: "list-recorded-after",
    text: `SELECT s.agent_id AS "agentId" FROM unnest($1::text[], $2::bigint[]) AS s(agent_id, epoch)
      WHERE (SELECT e.epoch FROM events e WHERE e.agent_id = s.agent_id ORDER BY e.no DESC LIMIT 1) > s.epoch`,
    values: [sessions.map(({ agentId }) => agentId), sessions.map(({ epoch }) => epoch)],
  });
  return rows.map(({ agentId }) => agentId);
}

/** The newest loss of an agent: the event that began it, and the newest ones since, oldest first. Empty without one. */
export async function listEventsOfLoss(
  db: Db,
  agentId: string,
  limit: number,
): Promise<EventRow[]> {
  const { rows } = await db.query<EventRow>(
    `WITH begin AS (SELECT max(no) AS no FROM events WHERE agent_id = $1 AND type = 'disconnected')
     (SELECT ${columns} FROM events WHERE agent_id = $1 AND no = (SELECT no FROM begin))
     UNION
     (SELECT ${columns} FROM events WHERE agent_id = $1 AND no > (SELECT no FROM begin) ORDER BY no DESC LIMIT $2)
     ORDER BY no`,
    [agentId, limit],
  );
  return rows;
}

/** Id of the last event of the stream, 0 when there is none: where a reader who wants only news begins. */
export async function newestEventId(db: Db): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `SELECT id FROM events WHERE tx < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY tx DESC, id DESC LIMIT 1`,
  );
  return rows[0]?.id ?? 0;
}
