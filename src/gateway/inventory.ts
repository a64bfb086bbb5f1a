/**
 * What runs on the hosts, by their agents' pings, for whoever has to look after it when a host is Down. Written when it
 * changed; a session keeps no more of it than a hash.
 */
import { powerStates } from "../api/index.ts";
import type { PingCommand, PowerState, ResourceStatus } from "../api/index.ts";
import type { InventoryToWrite, Workload } from "../db/index.ts";
import type { Log } from "../telemetry/log.ts";
import { hashOfWorkloads } from "./workloads-hash.ts";
import { WriteBehind } from "./write-behind.ts";

/** Workloads that may wait for Postgres; beyond it the oldest host's go, and come again with its next ping. */
const waitingMax = 200_000;
/** In one statement: hosts, and workloads unless one host alone has more. */
const batchMax = { hosts: 500, workloads: 20_000 };

/** The part of a session that the inventory reads and writes. */
export interface InventoriedSession {
  readonly agentId: string;
  readonly epoch: number;
  /** Of the workloads that were handed over for writing last; undefined: none were. */
  workloadsHash: number | undefined;
}

interface Waiting {
  readonly session: InventoriedSession;
  readonly inventory: InventoryToWrite;
  readonly workloads: number;
}

export class Inventory {
  readonly #write: (inventories: readonly InventoryToWrite[]) => Promise<void>;
  readonly #writer: WriteBehind;
  readonly #waitingMax: number;
  readonly #waiting = new Map<string, Waiting>();
  #workloads = 0;

  constructor(
    write: (inventories: readonly InventoryToWrite[]) => Promise<void>,
    log: Log,
    limits: { readonly waitingMax: number } = { waitingMax },
  ) {
    this.#write = write;
    this.#waitingMax = limits.waitingMax;
    this.#writer = new WriteBehind(
      () => this.#writeBatch(),
      (error) => {
        log.warn({ err: error }, "workloads could not be written; tried again later");
      },
    );
  }

  /** Hosts whose workloads wait to be written. */
  get size(): number {
    return this.#waiting.size;
  }

  /** A ping: its workloads are written soon when they are others than before. */
  onPing(session: InventoriedSession, { resources }: Pick<PingCommand, "resources">): void {
    const hash = hashOfWorkloads(resources);
    if (hash === undefined || hash === session.workloadsHash) return;
    session.workloadsHash = hash;
    this.#put({ session, ...inventoryOf(session, resources) });
    this.#writer.poke();
  }

  /** Writes what waits, as much as goes into one statement. */
  async close(): Promise<void> {
    await this.#writer.close();
  }

  #put(one: Waiting): void {
    const { agentId } = one.session;
    this.#drop(agentId);
    this.#waiting.set(agentId, one);
    this.#workloads += one.workloads;
    for (const [oldest, { session }] of this.#waiting) {
      if (this.#workloads <= this.#waitingMax || oldest === agentId) return;
      session.workloadsHash = undefined;
      this.#drop(oldest);
    }
  }

  #drop(agentId: string): void {
    this.#workloads -= this.#waiting.get(agentId)?.workloads ?? 0;
    this.#waiting.delete(agentId);
  }

  async #writeBatch(): Promise<boolean> {
    const batch: Waiting[] = [];
    let workloads = 0;
    for (const one of this.#waiting.values()) {
      workloads += one.workloads;
      const isFull = batch.length >= batchMax.hosts || workloads > batchMax.workloads;
      if (isFull && batch.length > 0) break;
      batch.push(one);
    }
    if (batch.length === 0) return false;
    await this.#write(batch.map(({ inventory }) => inventory));
    for (const one of batch) {
      const { agentId } = one.session;
      // A newer word of it may have come meanwhile.
      if (this.#waiting.get(agentId) === one) this.#drop(agentId);
    }
    return this.#waiting.size > 0;
  }
}

function inventoryOf(
  { agentId, epoch }: InventoriedSession,
  resources: readonly ResourceStatus[],
): Pick<Waiting, "inventory" | "workloads"> {
  const listed: Workload[] = [];
  const silent: string[] = [];
  for (const { name: resource, workloads } of resources) {
    if (workloads === undefined) {
      silent.push(resource);
      continue;
    }
    for (const [name, power] of Object.entries(workloads)) {
      listed.push({ resource, name, power: known(power) });
    }
  }
  // A host without workloads takes its place, too.
  const size = Math.max(1, listed.length);
  return { inventory: { agentId, epoch, workloads: listed, silent }, workloads: size };
}

/** Agents of other makes may say anything. */
function known(power: PowerState): PowerState {
  return powerStates.includes(power) ? power : "Unknown";
}
