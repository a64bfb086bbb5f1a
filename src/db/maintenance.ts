/** Places for hosts that are prepared for maintenance: so many of one cluster at once. */
import { inTransaction, type Db, type Pool } from "./pool.ts";

/**
 * A place whose host is not on its way to maintenance any more by its row for so long is free: its lifecycle was
 * terminated by hand, or its release was lost.
 */
const staleAfter = "10 minutes";

const held = `SELECT s.agent_id FROM maintenance_slots s
   WHERE s.zone = $1 AND s.cluster = $2 AND s.agent_id <> $3
     AND NOT (s.taken_at < now() - interval '${staleAfter}' AND NOT EXISTS (
       SELECT FROM agents a WHERE a.id = s.agent_id AND a.removed_at IS NULL
          AND a.resource_state IN ('PrepareForMaintenance', 'ErrorInPrepareForMaintenance')))
   ORDER BY s.taken_at`;

/** A host and its cluster. */
interface HostPlace {
  readonly agentId: string;
  readonly zone: string;
  readonly cluster: string;
}

/** The other hosts of the cluster that hold a place, oldest first. */
export async function listMaintenanceSlots(
  db: Db,
  { agentId, zone, cluster }: HostPlace,
): Promise<string[]> {
  const { rows } = await db.query<{ agent_id: string }>(held, [zone, cluster, agentId]);
  return rows.map((row) => row.agent_id);
}

/**
 * Takes a place when fewer than `perCluster` (0: any number) other hosts of the cluster hold one. Two that ask at once
 * are served one after the other. Asking again keeps the place.
 */
export async function claimMaintenanceSlot(
  pool: Pool,
  { perCluster, ...place }: HostPlace & { readonly perCluster: number },
): Promise<{ claimed: boolean; heldBy: string[] }> {
  return await inTransaction(pool, async (db) => {
    // The look comes in a statement after the lock, so that it sees what the one before committed.
    await db.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [
      `muster/maintenance/${JSON.stringify([place.zone, place.cluster])}`,
    ]);
    const heldBy = await listMaintenanceSlots(db, place);
    if (perCluster > 0 && heldBy.length >= perCluster) return { claimed: false, heldBy };
    await db.query(
      `INSERT INTO maintenance_slots (agent_id, zone, cluster) VALUES ($1, $2, $3)
       ON CONFLICT (agent_id) DO UPDATE SET zone = $2, cluster = $3, taken_at = now()`,
      [place.agentId, place.zone, place.cluster],
    );
    return { claimed: true, heldBy };
  });
}

/** Gives the place back; nothing when there is none. */
export async function releaseMaintenanceSlot(db: Db, agentId: string): Promise<void> {
  await db.query(`DELETE FROM maintenance_slots WHERE agent_id = $1`, [agentId]);
}

/** Hosts that are offered machines at most. */
const destinationsMax = 200;

/** The other hosts of the cluster that are Up, Enabled and take machines, with the destination of MigrateVm. */
export async function listDestinations(
  db: Db,
  { agentId, zone, cluster }: HostPlace,
): Promise<{ agentId: string; migrateTo: string }[]> {
  const { rows } = await db.query<{ agentId: string; migrateTo: string }>(
    `SELECT id AS "agentId", host->>'migrateTo' AS "migrateTo" FROM agents
      WHERE zone = $1 AND cluster = $2 AND id <> $3 AND removed_at IS NULL
        AND status = 'Up' AND resource_state = 'Enabled' AND host->>'migrateTo' IS NOT NULL
      ORDER BY id LIMIT ${destinationsMax}`,
    [zone, cluster, agentId],
  );
  return rows;
}
