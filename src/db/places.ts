/** Zones and clusters: which places agents may be in, and of which resource type each cluster is. */
import type { Db } from "./pool.ts";

/** What the handshake needs to know of a place. */
export interface Place {
  readonly zoneKnown: boolean;
  /** Undefined when the cluster is not known. */
  readonly clusterType: string | undefined;
}

export async function findPlace(db: Db, zone: string, cluster: string): Promise<Place> {
  const { rows } = await db.query<{ resource_type: string | null }>({
    name: "find-place",
    text: `SELECT c.resource_type FROM zones z LEFT JOIN clusters c ON c.zone = z.name AND c.name = $2 WHERE z.name = $1`,
    values: [zone, cluster],
  });
  return { zoneKnown: rows.length > 0, clusterType: rows[0]?.resource_type ?? undefined };
}

/** Makes a place known that an agent claims; gives the cluster's resource type, which somebody else may have set before. */
export async function learnCluster(
  db: Db,
  zone: string,
  cluster: string,
  resourceType: string,
): Promise<string> {
  await db.query(`INSERT INTO zones (name, learnt) VALUES ($1, true) ON CONFLICT DO NOTHING`, [
    zone,
  ]);
  const { rows } = await db.query<{ resource_type: string }>(
    `INSERT INTO clusters AS c (zone, name, resource_type, learnt) VALUES ($1, $2, $3, true)
     ON CONFLICT (zone, name) DO UPDATE SET resource_type = c.resource_type
     RETURNING resource_type`,
    [zone, cluster, resourceType],
  );
  return rows[0]?.resource_type ?? resourceType;
}

export interface ClusterRow {
  readonly zone: string;
  readonly name: string;
  readonly resourceType: string;
  /** An agent made it known, no operator. */
  readonly learnt: boolean;
  readonly declaredAt: Date;
  /** Registered agents in it; removed ones don't count. */
  readonly agents: number;
}

export interface ZoneRow {
  readonly name: string;
  readonly learnt: boolean;
  readonly declaredAt: Date;
  readonly clusters: number;
  readonly agents: number;
}

export async function listZones(db: Db): Promise<ZoneRow[]> {
  const { rows } = await db.query<ZoneRow>(
    `SELECT z.name, z.learnt, z.declared_at AS "declaredAt",
            (SELECT count(*) FROM clusters c WHERE c.zone = z.name) AS clusters,
            (SELECT count(*) FROM agents a WHERE a.zone = z.name AND a.removed_at IS NULL) AS agents
       FROM zones z ORDER BY z.name`,
  );
  return rows;
}

/** Clusters of a zone, or of all, in order. */
export async function listClusters(db: Db, zone?: string): Promise<ClusterRow[]> {
  const { rows } = await db.query<ClusterRow>(
    `SELECT c.zone, c.name, c.resource_type AS "resourceType", c.learnt, c.declared_at AS "declaredAt",
            (SELECT count(*) FROM agents a
              WHERE a.zone = c.zone AND a.cluster = c.name AND a.removed_at IS NULL) AS agents
       FROM clusters c WHERE $1::text IS NULL OR c.zone = $1 ORDER BY c.zone, c.name`,
    [zone ?? null],
  );
  return rows;
}

/** Declares a zone; one that was learnt counts as declared from now on. */
export async function declareZone(db: Db, name: string): Promise<void> {
  await db.query(
    `INSERT INTO zones AS z (name) VALUES ($1)
     ON CONFLICT (name) DO UPDATE SET learnt = false, declared_at = now() WHERE z.learnt`,
    [name],
  );
}

/** What came of a change of places; `agents` and `clusters` are what is in the way. */
export type PlaceChange =
  | { readonly type: "done" }
  | { readonly type: "zoneUnknown" }
  | { readonly type: "clusterUnknown" }
  | { readonly type: "inUse"; readonly agents: number; readonly clusters: number }
  | { readonly type: "otherType"; readonly agents: number; readonly resourceType: string };

/** Removes a zone that is empty. */
export async function removeZone(db: Db, name: string): Promise<PlaceChange> {
  const { rowCount } = await db.query(
    `DELETE FROM zones z WHERE name = $1
        AND NOT EXISTS (SELECT 1 FROM clusters WHERE zone = $1)
        AND NOT EXISTS (SELECT 1 FROM agents WHERE zone = $1 AND removed_at IS NULL)`,
    [name],
  );
  if (rowCount === 1) return { type: "done" };
  const zone = (await listZones(db)).find((one) => one.name === name);
  return zone === undefined ? { type: "zoneUnknown" } : { type: "inUse", ...counts(zone) };
}

function counts({ agents, clusters }: ZoneRow): { agents: number; clusters: number } {
  return { agents, clusters };
}

/** Declares a cluster, also one that was learnt. Another type than it has is taken only while it holds no agents. */
export async function declareCluster(
  db: Db,
  zone: string,
  name: string,
  resourceType: string,
): Promise<PlaceChange> {
  const { rowCount } = await db.query(
    `INSERT INTO clusters AS c (zone, name, resource_type)
     SELECT z.name, $2, $3 FROM zones z WHERE z.name = $1
     ON CONFLICT (zone, name) DO UPDATE
        SET resource_type = $3, learnt = false,
            declared_at = CASE WHEN c.learnt OR c.resource_type <> $3 THEN now() ELSE c.declared_at END
      WHERE c.resource_type = $3
         OR NOT EXISTS (SELECT 1 FROM agents WHERE zone = $1 AND cluster = $2 AND removed_at IS NULL)`,
    [zone, name, resourceType],
  );
  if (rowCount === 1) return { type: "done" };
  const cluster = (await listClusters(db, zone)).find((one) => one.name === name);
  if (cluster === undefined) return { type: "zoneUnknown" };
  return { type: "otherType", agents: cluster.agents, resourceType: cluster.resourceType };
}

/** Removes a cluster that holds no agents. */
export async function removeCluster(db: Db, zone: string, name: string): Promise<PlaceChange> {
  const { rowCount } = await db.query(
    `DELETE FROM clusters WHERE zone = $1 AND name = $2
        AND NOT EXISTS (SELECT 1 FROM agents WHERE zone = $1 AND cluster = $2 AND removed_at IS NULL)`,
    [zone, name],
  );
  if (rowCount === 1) return { type: "done" };
  const cluster = (await listClusters(db, zone)).find((one) => one.name === name);
  return cluster === undefined
    ? { type: "clusterUnknown" }
    : { type: "inUse", agents: cluster.agents, clusters: 0 };
}
