/** The end of an agent's row: its secret opens nothing any more, and what hung on the agent goes. */
import type { Db } from "./pool.ts";
import { storableText } from "./storable.ts";

/** Deletes what only an agent that is there has. Idempotent. */
export async function forgetRemoved(db: Db, agentId: string): Promise<void> {
  await db.query(
    `WITH refusal AS (DELETE FROM refusals WHERE agent_id = $1),
          slot AS (DELETE FROM maintenance_slots WHERE agent_id = $1),
          declaration AS (DELETE FROM direct_agents WHERE id = $1),
          session AS (UPDATE sessions SET closed_at = now() WHERE agent_id = $1 AND closed_at IS NULL)
     DELETE FROM inventory WHERE agent_id = $1`,
    [agentId],
  );
}

/**
 * Removes an agent that has no lifecycle to do it: it registered and got no further, or its lifecycle was terminated by
 * hand. Its secret is revoked and it can't connect any more.
 * @returns whether the agent is registered (it may have been removed before).
 */
export async function removeRegistered(db: Db, agentId: string, reason: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `WITH agent AS (
       UPDATE agents SET status = 'Removed', status_reason = $2, status_since = now(), removed_at = now(),
              secret_hash = '', last_event_no = last_event_no + 1
        WHERE id = $1 AND removed_at IS NULL RETURNING id, last_event_no),
     event AS (
       INSERT INTO events (agent_id, no, at, epoch, type, text)
       SELECT id, last_event_no, now(), 0, 'status', $2 FROM agent ON CONFLICT (agent_id, no) DO NOTHING)
     SELECT 1 FROM agents WHERE id = $1`,
    [agentId, storableText(reason)],
  );
  if (rowCount !== 1) return false;
  await forgetRemoved(db, agentId);
  return true;
}
