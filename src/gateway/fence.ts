/**
 * Keeps a gateway that was cut off from acting on what it held (DESIGN §8): reports to PostgreSQL, watches its lease, and when
 * either was away for too long asks the other gateways how they fare. The rule is `lifecycle/fencing`.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { GatewayReport, GatewayRow } from "../db/index.ts";
import { isInDoubt, whyFence, type OwnStanding, type PeerWord } from "../lifecycle/fencing.ts";
import type { Log } from "../telemetry/log.ts";
import type { Lease } from "./lease.ts";

const lookEveryMs = 250;
const reportEveryMs = 2_000;
const askEveryMs = 1_000;

export interface FenceParts {
  readonly lease: Lease;
  readonly log: Log;
  /** Monotonic, and going on while this process stands still. */
  readonly nowMs: () => number;
  /** Standing still while this process does. */
  readonly awakeMs: () => number;
  /** Requests of callers so far. */
  readonly requests: () => number;
  /** The incarnation whose row it is; undefined when there is none. Throws when PostgreSQL does not answer. */
  readonly report: (report: GatewayReport) => Promise<string | undefined>;
  readonly others: () => readonly GatewayRow[];
  readonly askPeer: (gateway: GatewayRow) => Promise<PeerWord>;
  /** Why it has sent its agents away; undefined while it is a member. */
  readonly fencedBecause: () => string | undefined;
  readonly isMember: () => boolean;
  readonly fence: (why: string) => void;
  /** The row is of that incarnation. */
  readonly onRow: (incarnation: string) => void;
}

export class Fence {
  readonly #parts: FenceParts;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  #timer: NodeJS.Timeout | undefined;
  #databaseAtMs: number;
  #reportAtMs = Number.NEGATIVE_INFINITY;
  #askAtMs = Number.NEGATIVE_INFINITY;
  #reporting = false;
  #asking = false;
  #counted = { requests: 0, atMs: 0 };
  /** By the clock that stands still with the process. */
  #doubtSinceMs: number | undefined;
  #sureSinceMs: number | undefined;

  constructor(parts: FenceParts) {
    this.#parts = parts;
    this.#databaseAtMs = parts.nowMs();
  }

  start(): void {
    this.#delay.enable();
    this.#timer ??= setInterval(() => {
      this.turn();
    }, lookEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#delay.disable();
  }

  /** What this gateway knows of its standing is too old to act on. Right at any moment, also after it stood still. */
  get isInDoubt(): boolean {
    return isInDoubt(this.#standing());
  }

  /** For how long this gateway has had its lease and PostgreSQL without a break; 0 when it lacks one. */
  get sureForMs(): number {
    const { nowMs, lease, isMember } = this.#parts;
    const sure = isMember() && lease.held && !this.isInDoubt;
    return sure && this.#sureSinceMs !== undefined ? nowMs() - this.#sureSinceMs : 0;
  }

  /** One turn of the watch. */
  turn(): void {
    const { nowMs, awakeMs, lease, isMember } = this.#parts;
    if (nowMs() - this.#reportAtMs >= reportEveryMs && !this.#reporting) void this.#report();
    const inDoubt = this.isInDoubt;
    if (inDoubt || !lease.held || !isMember()) this.#sureSinceMs = undefined;
    else this.#sureSinceMs ??= nowMs();
    if (!inDoubt || !isMember()) {
      this.#doubtSinceMs = undefined;
      return;
    }
    this.#doubtSinceMs ??= awakeMs();
    if (nowMs() - this.#askAtMs >= askEveryMs && !this.#asking) void this.#askPeers();
  }

  #standing(): OwnStanding {
    const { lease, nowMs } = this.#parts;
    return {
      leaseAgoMs: lease.confirmedAgoMs,
      databaseAgoMs: nowMs() - this.#databaseAtMs,
    };
  }

  async #report(): Promise<void> {
    const { nowMs, lease, requests, report, fencedBecause, onRow, log } = this.#parts;
    this.#reporting = true;
    const startedMs = nowMs();
    this.#reportAtMs = startedMs;
    const seconds = Math.max(1, startedMs - this.#counted.atMs) / 1_000;
    const total = requests();
    const rate = (total - this.#counted.requests) / seconds;
    this.#counted = { requests: total, atMs: startedMs };
    const lagMs = Math.max(0, this.#delay.percentile(99) / 1e6 - 20);
    this.#delay.reset();
    try {
      const row = await report({
        leaseAgoMs: lease.held ? (lease.confirmedAgoMs ?? null) : null,
        lagMs: Number.isFinite(lagMs) ? lagMs : 0,
        requestsPerSecond: rate,
        fencedBecause: fencedBecause() ?? null,
      });
      this.#databaseAtMs = startedMs;
      if (row !== undefined) onRow(row);
    } catch (error) {
      log.debug({ err: error }, "PostgreSQL did not take this gateway's report");
    } finally {
      this.#reporting = false;
    }
  }

  async #askPeers(): Promise<void> {
    const { others, askPeer, awakeMs, nowMs, fence, isMember } = this.#parts;
    this.#asking = true;
    this.#askAtMs = nowMs();
    try {
      const words = await Promise.all(others().map((one) => askPeer(one)));
      const sinceMs = this.#doubtSinceMs;
      if (sinceMs === undefined || !isMember()) return;
      const why = whyFence(this.#standing(), awakeMs() - sinceMs, words);
      if (why !== undefined) fence(why);
    } finally {
      this.#asking = false;
    }
  }
}
