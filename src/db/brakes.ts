/** Brakes of zones and clusters, and the losses that they go by. Cluster '' stands for the whole zone. */
import type { Db } from "./pool.ts";

/** Losses of a cluster and of its zone; hosts that the administrator took out of service do not count. */
export interface LossCounts {
  readonly total: number;
  readonly lostNow: number;
  readonly lostInWindow: number;
}

/** Counts what is lost in a cluster, or with '' in a whole zone. */
export async function countLosses(
  db: Db,
  zone: string,
  cluster: string,
  windowMs: number,
): Promise<LossCounts> {
  const { rows } = await db.query<LossCounts>(
    `SELECT count(*) AS total, count(lost_at) AS "lostNow",
            count(*) FILTER (WHERE lost_at > now() - $3 * interval '1 millisecond') AS "lostInWindow"
       FROM agents
      WHERE zone = $1 AND ($2 = '' OR cluster = $2) AND removed_at IS NULL AND status <> 'Creating'
        AND resource_state NOT IN ('Disabled', 'Maintenance', 'PrepareForMaintenance', 'Unmanaged')`,
    [zone, cluster, windowMs],
  );
  return rows[0] ?? { total: 0, lostNow: 0, lostInWindow: 0 };
}

/** A brake as operators see it. */
export interface BrakeRow {
  readonly zone: string;
  readonly cluster: string;
  readonly since: Date | null;
  readonly reason: string;
  readonly releasedUntil: Date | null;
  readonly releasedBy: string | null;
}

const columns = `zone, cluster, since, reason, released_until AS "releasedUntil", released_by AS "releasedBy"`;

export async function findBrake(
  db: Db,
  zone: string,
  cluster: string,
): Promise<BrakeRow | undefined> {
  const { rows } = await db.query<BrakeRow>(
    `SELECT ${columns} FROM brakes WHERE zone = $1 AND cluster = $2`,
    [zone, cluster],
  );
  return rows[0];
}

/** Brakes that are on, and those that an operator released and that are not over yet. */
export async function listBrakes(db: Db): Promise<BrakeRow[]> {
  const { rows } = await db.query<BrakeRow>(
    `SELECT ${columns} FROM brakes WHERE since IS NOT NULL OR released_until > now() ORDER BY zone, cluster`,
  );
  return rows;
}

/** Puts a brake on, or off with null; one that is on keeps its beginning. */
export async function setBrake(
  db: Db,
  zone: string,
  cluster: string,
  on: boolean,
  reason: string,
): Promise<void> {
  await db.query(
    `INSERT INTO brakes AS b (zone, cluster, since, reason) VALUES ($1, $2, CASE WHEN $3 THEN now() END, $4)
     ON CONFLICT (zone, cluster) DO UPDATE
       SET since = CASE WHEN $3 THEN coalesce(b.since, now()) END, reason = $4`,
    [zone, cluster, on, reason],
  );
}

/** An operator lets Down through for `forMs`, whatever is lost. */
export async function releaseBrake(
  db: Db,
  zone: string,
  cluster: string,
  forMs: number,
  by: string,
): Promise<BrakeRow> {
  const { rows } = await db.query<BrakeRow>(
    `INSERT INTO brakes (zone, cluster, released_until, released_by, reason)
     VALUES ($1, $2, now() + $3 * interval '1 millisecond', $4, 'released')
     ON CONFLICT (zone, cluster) DO UPDATE
       SET since = NULL, released_until = now() + $3 * interval '1 millisecond', released_by = $4, reason = 'released'
     RETURNING ${columns}`,
    [zone, cluster, forMs, by],
  );
  const [row] = rows;
  if (row === undefined) throw new Error("An INSERT with RETURNING gave no row.");
  return row;
}
