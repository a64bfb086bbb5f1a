/** What runs on each host, by its agent's pings: what a recovery has to look after. Written by gateways. */
import type { PowerState } from "../api/index.ts";
import type { Db } from "./pool.ts";
import { storableJson } from "./storable.ts";

/** One workload of a host. */
export interface Workload {
  readonly resource: string;
  readonly name: string;
  readonly power: PowerState;
}

/** What one agent's newest ping said of its workloads. */
export interface InventoryToWrite {
  readonly agentId: string;
  readonly epoch: number;
  readonly workloads: readonly Workload[];
  /** Resources that could not say: what was known of them stays. Of all others nothing is kept. */
  readonly silent: readonly string[];
}

/** Writes inventories in one statement; the newest epoch wins, and a removed agent gets none. */
export async function writeInventory(
  db: Db,
  inventories: readonly InventoryToWrite[],
): Promise<void> {
  await db.query(
    `INSERT INTO inventory AS i (agent_id, epoch, workloads)
     SELECT n."agentId", n.epoch,
            coalesce((SELECT jsonb_agg(w) FROM jsonb_array_elements(known.workloads) w
                       WHERE n.silent ? (w ->> 'resource')), '[]') || n.workloads
       FROM jsonb_to_recordset($1::jsonb) AS n("agentId" text, epoch bigint, workloads jsonb, silent jsonb)
       JOIN agents a ON a.id = n."agentId" AND a.removed_at IS NULL
       LEFT JOIN inventory known ON known.agent_id = n."agentId"
     ON CONFLICT (agent_id) DO UPDATE
        SET epoch = EXCLUDED.epoch, workloads = EXCLUDED.workloads, at = now()
      WHERE i.epoch <= EXCLUDED.epoch`,
    [storableJson(inventories)],
  );
}

/** The workloads of a host as its agent last changed its word about them. */
export interface Inventory {
  readonly workloads: readonly Workload[];
  /** Session in which it said so. */
  readonly epoch: number;
  readonly at: Date;
  /** How long ago that was, by the database's clock. While the agent pings they are still so. */
  readonly ageMs: number;
}

/** Undefined when no ping of the agent ever told of workloads. */
export async function findWorkloads(db: Db, agentId: string): Promise<Inventory | undefined> {
  const { rows } = await db.query<Inventory>(
    `SELECT epoch, workloads, at, extract(epoch FROM now() - at)::double precision * 1000 AS "ageMs"
       FROM inventory WHERE agent_id = $1`,
    [agentId],
  );
  return rows[0];
}
