/** Which agent a request id went to. */
import type { Db } from "./pool.ts";

/**
 * Notes a request id; gives the agent that it belongs to, which is another one when a caller used the id before.
 */
export async function noteRequest(db: Db, requestId: string, agentId: string): Promise<string> {
  const { rows } = await db.query<{ agent_id: string }>({
    name: "note-request",
    text: `INSERT INTO requests AS r (id, agent_id) VALUES ($1, $2)
     ON CONFLICT (id) DO UPDATE SET agent_id = r.agent_id RETURNING agent_id`,
    values: [requestId, agentId],
  });
  return rows[0]?.agent_id ?? agentId;
}

export async function findRequestAgent(db: Db, requestId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ agent_id: string }>(
    `SELECT agent_id FROM requests WHERE id = $1`,
    [requestId],
  );
  return rows[0]?.agent_id;
}
