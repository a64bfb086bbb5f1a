/** Direct agents: their declarations, and which gateway owns each of them. */
import type { Db } from "./pool.ts";
import { storableText } from "./storable.ts";

/** A direct agent as it was declared, and who owns it. Without its secrets. */
export interface DirectAgentRow {
  readonly id: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resource: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly declaredAt: Date;
  /** The gateway that runs it; null while none does. */
  readonly gatewayId: string | null;
  readonly claimedAt: Date | null;
  /** Why it does not run, as its owner said last. */
  readonly trouble: string | null;
}

const columns = `d.id, d.zone, d.cluster, d.resource, d.shown_config AS config, d.declared_at AS "declaredAt",
  l.gateway_id AS "gatewayId", CASE WHEN l.id IS NOT NULL THEN d.claimed_at END AS "claimedAt", d.trouble`;
const joined = `direct_agents d LEFT JOIN direct_leases l ON l.id = d.lease_id`;

/** `agentExists`: another agent has the id, or had it. */
export type Declared = "declared" | "declaredBefore" | "agentExists";

/** Declares a direct agent, unless its id is used. */
export async function declareDirectAgent(
  db: Db,
  agent: {
    id: string;
    zone: string;
    cluster: string;
    resource: string;
    /** As it is to be kept, and as it is to be shown. */
    config: string;
    shownConfig: Readonly<Record<string, unknown>>;
  },
): Promise<Declared> {
  const { rowCount } = await db.query(
    `INSERT INTO direct_agents (id, zone, cluster, resource, config, shown_config)
     SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM agents WHERE id = $1)
     ON CONFLICT (id) DO NOTHING`,
    [
      agent.id,
      agent.zone,
      agent.cluster,
      agent.resource,
      agent.config,
      JSON.stringify(agent.shownConfig),
    ],
  );
  if (rowCount === 1) return "declared";
  return (await findDirectAgent(db, agent.id)) === undefined ? "agentExists" : "declaredBefore";
}

/** Direct agents in id order after `after`. */
export async function listDirectAgents(
  db: Db,
  { after = "", limit }: { after?: string; limit: number },
): Promise<DirectAgentRow[]> {
  const { rows } = await db.query<DirectAgentRow>(
    `SELECT ${columns} FROM ${joined} WHERE d.id > $1 ORDER BY d.id LIMIT $2`,
    [after, limit],
  );
  return rows;
}

export async function findDirectAgent(db: Db, id: string): Promise<DirectAgentRow | undefined> {
  const { rows } = await db.query<DirectAgentRow>(
    `SELECT ${columns} FROM ${joined} WHERE d.id = $1`,
    [id],
  );
  return rows[0];
}

/** Ends a declaration; true when there was one. Its owner notices by itself. */
export async function removeDirectAgent(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(`DELETE FROM direct_agents WHERE id = $1`, [id]);
  return rowCount === 1;
}

/** What opens the manager to a direct agent: of its present owner's claim. Undefined when the id is not declared. */
export async function findDirectSecretHash(db: Db, id: string): Promise<Buffer | undefined> {
  const { rows } = await db.query<{ hash: Buffer }>(
    `SELECT secret_hash AS hash FROM direct_agents WHERE id = $1`,
    [id],
  );
  return rows[0]?.hash;
}

/** The configs of all direct agents, as they are kept. */
export async function listDirectConfigs(db: Db): Promise<{ id: string; config: string }[]> {
  const { rows } = await db.query<{ id: string; config: string }>(
    `SELECT id, config FROM direct_agents ORDER BY id`,
  );
  return rows;
}

/** Keeps a config in another form. False when it is not kept as the caller believes: somebody was quicker. */
export async function replaceDirectConfig(
  db: Db,
  id: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE direct_agents SET config = $3 WHERE id = $1 AND config = $2`,
    [id, from, to],
  );
  return rowCount === 1;
}

/** A lease on direct agents, and how often its holder has renewed it. */
export interface DirectLeaseRow {
  readonly id: string;
  readonly gatewayId: string;
  readonly incarnation: string;
  readonly renewals: number;
}

/** A direct agent for those who may claim it. */
export interface DirectClaimRow {
  readonly id: string;
  readonly resource: string;
  readonly claims: number;
  readonly leaseId: string | null;
  readonly wantedBy: string | null;
}

export async function listDirectLeases(db: Db): Promise<DirectLeaseRow[]> {
  const { rows } = await db.query<DirectLeaseRow>(
    `SELECT id, gateway_id AS "gatewayId", incarnation, renewals FROM direct_leases ORDER BY id`,
  );
  return rows;
}

export async function listDirectClaims(db: Db): Promise<DirectClaimRow[]> {
  const { rows } = await db.query<DirectClaimRow>(
    `SELECT id, resource, claims, lease_id AS "leaseId", wanted_by AS "wantedBy" FROM direct_agents ORDER BY id`,
  );
  return rows;
}

/** Only the run of a gateway that is joined may hold one. */
const holderIsJoined = `EXISTS (SELECT FROM gateways g
  WHERE g.id = gateway_id AND g.incarnation = direct_leases.incarnation AND g.state = 'joined')`;

/** Opens a lease for a run of a gateway; false when that is not joined (any more). */
export async function openDirectLease(
  db: Db,
  lease: { id: string; gatewayId: string; incarnation: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `INSERT INTO direct_leases (id, gateway_id, incarnation)
     SELECT $1, id, incarnation FROM gateways WHERE id = $2 AND incarnation = $3 AND state = 'joined'`,
    [lease.id, lease.gatewayId, lease.incarnation],
  );
  return rowCount === 1;
}

/**
 * Renews a lease and gives the agents that it owns, with the number of each claim. Undefined when it is gone, or its holder
 * is no joined gateway any more: then it is never to be had again.
 */
export async function renewDirectLease(
  db: Db,
  id: string,
): Promise<ReadonlyMap<string, number> | undefined> {
  const { rows } = await db.query<{ id: string | null; claims: number | null }>({
    name: "renew-direct-lease",
    text: `WITH lease AS (
       UPDATE direct_leases SET renewals = renewals + 1 WHERE id = $1 AND ${holderIsJoined} RETURNING id)
     SELECT d.id, d.claims FROM lease LEFT JOIN direct_agents d ON d.lease_id = lease.id`,
    values: [id],
  });
  if (rows.length === 0) return undefined;
  const owned = new Map<string, number>();
  for (const row of rows) if (row.id !== null) owned.set(row.id, row.claims ?? 0);
  return owned;
}

/**
 * Ends a lease: its agents are free.
 * @param renewals only if it was renewed just so often; whoever renews it meanwhile keeps it.
 */
export async function endDirectLease(db: Db, id: string, renewals?: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `DELETE FROM direct_leases WHERE id = $1 AND ($2::bigint IS NULL OR renewals = $2)`,
    [id, renewals ?? null],
  );
  return rowCount === 1;
}

/** A direct agent as its new owner runs it. */
export interface ClaimedAgent {
  readonly id: string;
  /** The number of the claim. */
  readonly claims: number;
  readonly zone: string;
  readonly cluster: string;
  readonly resource: string;
  /** As it is kept. */
  readonly config: string;
  /** The owner's journal knows of all Requests that sessions from this one on were given. */
  readonly journalEpoch: number;
}

/** Makes a lease's holder the owner of a direct agent that nobody owns; undefined when somebody was quicker. */
export async function claimDirectAgent(
  db: Db,
  claim: {
    id: string;
    /** Of the claim before. */
    claims: number;
    leaseId: string;
    secretHash: Buffer;
    journalId: string;
  },
): Promise<ClaimedAgent | undefined> {
  const { rows } = await db.query<ClaimedAgent>(
    `UPDATE direct_agents d SET lease_id = $3, claims = claims + 1, claimed_at = now(), secret_hash = $4,
            wanted_by = NULL, trouble = NULL, journal_id = $5,
            journal_epoch = CASE WHEN journal_id = $5 THEN journal_epoch
              ELSE coalesce((SELECT epoch FROM sessions WHERE agent_id = d.id), 0) + 1 END
      WHERE id = $1 AND claims = $2 AND lease_id IS NULL AND EXISTS (SELECT FROM direct_leases WHERE id = $3)
     RETURNING id, claims, zone, cluster, resource, config, journal_epoch AS "journalEpoch"`,
    [claim.id, claim.claims, claim.leaseId, claim.secretHash, claim.journalId],
  );
  return rows[0];
}

/** Gives a claim up; `wantedBy` names the gateway that is to claim the agent next. False when it was lost before. */
export async function releaseDirectAgent(
  db: Db,
  id: string,
  claims: number,
  wantedBy?: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE direct_agents SET lease_id = NULL, wanted_by = $3 WHERE id = $1 AND claims = $2 AND lease_id IS NOT NULL`,
    [id, claims, wantedBy ?? null],
  );
  return rowCount === 1;
}

/** Notes why an agent does not run; null once it does. */
export async function noteDirectTrouble(
  db: Db,
  id: string,
  claims: number,
  trouble: string | null,
): Promise<void> {
  await db.query(
    `UPDATE direct_agents SET trouble = $3 WHERE id = $1 AND claims = $2 AND trouble IS DISTINCT FROM $3`,
    [id, claims, trouble === null ? null : storableText(trouble)],
  );
}
