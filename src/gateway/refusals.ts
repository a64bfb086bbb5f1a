/**
 * Agents that this gateway refused lately. Operators find them in Postgres, and the lifecycle of a proven agent hears of
 * it; both at a rate that a stubborn agent, or somebody who makes up agent ids, can't raise.
 */
import type { RefusalToWrite } from "../db/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { RefusedMessage } from "../workflows/agent-messages.ts";
import { WriteBehind } from "./write-behind.ts";

/** Agents remembered; whoever was refused longest ago is forgotten first. */
const agentsMax = 4_096;
/** Rows in one statement, about one a second. */
const batchMax = 200;
/** The same refusal of an agent is not written more often. */
const writeEveryMs = 30_000;
/** Nor told to its lifecycle, or logged as a warning, more often than this. */
const tellEveryMs = 600_000;
/** Rows of agent ids that nobody has bound: anybody can make some up. */
const unregisteredMax = 1_000;
const trimEveryMs = 10_000;

/** One refused handshake. */
export interface Refusal {
  readonly agentId: string;
  readonly code: string;
  /** What is wrong and what to change. */
  readonly reason: string;
  readonly peer: string;
  /** What the agent says of itself. */
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  /** The agent is registered and has proven who it is. */
  readonly proven: boolean;
  readonly retryable: boolean;
}

interface Entry {
  refusal: Refusal;
  lastAtMs: number;
  /** Refused so often since the row was written. */
  unwritten: number;
  writtenAtMs: number | undefined;
  toldAtMs: number;
}

/** What the refusals need of their gateway. */
export interface RefusalsPort {
  readonly gatewayId: string;
  readonly log: Log;
  nowMs(): number;
  write(refusals: readonly RefusalToWrite[]): Promise<void>;
  trim(unregisteredMax: number): Promise<void>;
  /** Brings it to the agent's lifecycle. */
  tell(agentId: string, message: RefusedMessage): void;
}

export class Refusals {
  readonly #port: RefusalsPort;
  readonly #writer: WriteBehind;
  /** In the order of their last refusal. */
  readonly #entries = new Map<string, Entry>();
  #trimmedAtMs = -Infinity;

  constructor(port: RefusalsPort) {
    this.#port = port;
    this.#writer = new WriteBehind(
      () => this.#write(),
      (error) => {
        port.log.warn({ err: error }, "refused agents could not be noted; tried again later");
      },
    );
  }

  /** Agents remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** An agent was refused. */
  note(refusal: Refusal): void {
    const { agentId } = refusal;
    const nowMs = this.#port.nowMs();
    const before = this.#entries.get(agentId);
    const entry =
      before !== undefined && isSame(before.refusal, refusal) ? before : newEntry(refusal);
    entry.refusal = refusal;
    entry.lastAtMs = nowMs;
    entry.unwritten += 1;
    this.#entries.delete(agentId);
    this.#entries.set(agentId, entry);
    this.#forgetOldest(nowMs);
    if (nowMs - entry.toldAtMs >= tellEveryMs) {
      entry.toldAtMs = nowMs;
      this.#tell(refusal);
    }
    if (isDue(entry, nowMs)) this.#writer.poke();
  }

  /** The agent was admitted; its row went with its handshake. */
  forget(agentId: string): void {
    this.#entries.delete(agentId);
  }

  /** Writes what is due, once. */
  async close(): Promise<void> {
    await this.#writer.close();
  }

  #tell({ agentId, code, reason, peer, proven, retryable }: Refusal): void {
    this.#port.log.warn({ agentId, peer, code }, `agent refused: ${reason}`);
    if (proven) this.#port.tell(agentId, { code, details: reason, retryable });
  }

  #forgetOldest(nowMs: number): void {
    for (const [agentId, { lastAtMs }] of this.#entries) {
      if (this.#entries.size <= agentsMax && nowMs - lastAtMs < tellEveryMs) return;
      this.#entries.delete(agentId);
    }
  }

  async #write(): Promise<boolean> {
    const nowMs = this.#port.nowMs();
    const batch = this.#due(nowMs).slice(0, batchMax);
    if (batch.length === 0) return false;
    const rows = batch.map((entry) => this.#rowOf(entry, nowMs));
    await this.#port.write(rows);
    for (const [i, entry] of batch.entries()) {
      entry.unwritten -= rows[i]?.count ?? 0;
      entry.writtenAtMs = nowMs;
    }
    if (nowMs - this.#trimmedAtMs >= trimEveryMs) {
      this.#trimmedAtMs = nowMs;
      await this.#port.trim(unregisteredMax);
    }
    return this.#due(nowMs).length > 0;
  }

  #due(nowMs: number): Entry[] {
    return [...this.#entries.values()].filter((entry) => isDue(entry, nowMs));
  }

  #rowOf({ refusal, unwritten, lastAtMs }: Entry, nowMs: number): RefusalToWrite {
    const { agentId, code, reason, peer, zone, cluster, resourceType } = refusal;
    const { gatewayId } = this.#port;
    const claim = { zone, cluster, resourceType };
    const agoMs = Math.max(0, nowMs - lastAtMs);
    return { agentId, code, reason, peer, gatewayId, ...claim, count: unwritten, agoMs };
  }
}

function newEntry(refusal: Refusal): Entry {
  return { refusal, lastAtMs: 0, unwritten: 0, writtenAtMs: undefined, toldAtMs: -Infinity };
}

/** A refusal that may pass by itself may word its reason anew each time. */
function isSame(a: Refusal, b: Refusal): boolean {
  return (
    a.code === b.code &&
    a.proven === b.proven &&
    (a.reason === b.reason || (a.retryable && b.retryable))
  );
}

function isDue({ unwritten, writtenAtMs }: Entry, nowMs: number): boolean {
  return unwritten > 0 && (writtenAtMs === undefined || nowMs - writtenAtMs >= writeEveryMs);
}
