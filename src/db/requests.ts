/** Which agent a request id went to, and since when it is known. */
import type { Db } from "./pool.ts";

/** How long a request id is remembered beyond the wait of its Request, in seconds: 7 days. */
const rememberedSeconds = 7 * 86_400;

/** What is known of a request id once it is noted. */
export interface NotedRequest {
  /** Another agent than the one it was noted for, when a caller used the id before. */
  readonly agentId: string;
  /** Milliseconds since the id was noted for the first time, by the database's clock; undefined: this was the first. */
  readonly firstAgoMs: number | undefined;
}

/** Notes a request id, for its wait and 7 days. */
export async function noteRequest(
  db: Db,
  requestId: string,
  agentId: string,
  waitMs: number,
): Promise<NotedRequest> {
  const { rows } = await db.query<{ agent_id: string; ago_ms: number; asked: number }>({
    name: "note-request",
    text: `INSERT INTO requests AS r (id, agent_id, forget_at)
     VALUES ($1, $2, now() + make_interval(secs => $3))
     ON CONFLICT (id) DO UPDATE SET asked = r.asked + 1
     RETURNING agent_id, asked, (extract(epoch FROM now() - at) * 1000)::float8 AS ago_ms`,
    values: [requestId, agentId, waitMs / 1_000 + rememberedSeconds],
  });
  const row = rows[0];
  if (row === undefined || row.asked === 1) return { agentId, firstAgoMs: undefined };
  return { agentId: row.agent_id, firstAgoMs: Math.max(0, Math.round(row.ago_ms)) };
}

/** Forgets a request id that was noted once, and whose Request was refused before anything was recorded. */
export async function forgetRefusedRequest(db: Db, requestId: string): Promise<void> {
  await db.query({
    name: "forget-refused-request",
    text: `DELETE FROM requests WHERE id = $1 AND asked = 1`,
    values: [requestId],
  });
}

/** Forgets request ids whose time is over, `most` at once; gives how many. Any number of gateways may call it. */
export async function forgetOldRequests(db: Db, most: number): Promise<number> {
  const { rowCount } = await db.query({
    name: "forget-old-requests",
    text: `DELETE FROM requests WHERE id IN
      (SELECT id FROM requests WHERE forget_at < now() ORDER BY forget_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
    values: [most],
  });
  return rowCount ?? 0;
}

export async function findRequestAgent(db: Db, requestId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ agent_id: string }>(
    `SELECT agent_id FROM requests WHERE id = $1`,
    [requestId],
  );
  return rows[0]?.agent_id;
}
