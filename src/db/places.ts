/** Zones and clusters. */
import type { Db } from "./pool.ts";

/** The resource type of a cluster; undefined when zone or cluster are not known. */
export async function findClusterType(
  db: Db,
  zone: string,
  cluster: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ resource_type: string }>(
    `SELECT resource_type FROM clusters WHERE zone = $1 AND name = $2`,
    [zone, cluster],
  );
  return rows[0]?.resource_type;
}

/** Declares a zone and a cluster of it; gives the cluster's resource type, which an earlier declaration may have set. */
export async function declareCluster(
  db: Db,
  zone: string,
  cluster: string,
  resourceType: string,
): Promise<string> {
  await db.query(`INSERT INTO zones (name) VALUES ($1) ON CONFLICT DO NOTHING`, [zone]);
  const { rows } = await db.query<{ resource_type: string }>(
    `INSERT INTO clusters AS c (zone, name, resource_type) VALUES ($1, $2, $3)
     ON CONFLICT (zone, name) DO UPDATE SET resource_type = c.resource_type
     RETURNING resource_type`,
    [zone, cluster, resourceType],
  );
  return rows[0]?.resource_type ?? resourceType;
}
