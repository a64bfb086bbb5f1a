/**
 * A gateway that stood still (SIGSTOP, a paused machine) for longer than its lease lasts may have been given up meanwhile, and finds
 * what waits in its sockets before anybody can tell it so. Until it knows, it answers neither pings nor callers.
 */
import { leaseMs } from "../lifecycle/fencing.ts";
import type { JudgingClock } from "./judging-clock.ts";
import type { Lease } from "./lease.ts";

/** When Temporal can't be asked either, nobody was given up by it: then the gateway goes on as in any outage. */
const quietMsMax = 5_000;

export class Waking {
  readonly #clock: Pick<JudgingClock, "sinceTickMs">;
  readonly #lease: Pick<Lease, "isStale">;
  readonly #nowMs: () => number;
  #untilMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs monotonic, and going on while this process stands still. */
  constructor(
    clock: Pick<JudgingClock, "sinceTickMs">,
    lease: Pick<Lease, "isStale">,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#clock = clock;
    this.#lease = lease;
    this.#nowMs = nowMs;
  }

  /** Right at any moment, also before the first turn of the judging loop. */
  get isPending(): boolean {
    if (!this.#lease.isStale) return false;
    return this.#clock.sinceTickMs > leaseMs || this.#nowMs() < this.#untilMs;
  }

  /** The judging loop found out that this process stood still. */
  onStalled(stalledMs: number): void {
    if (stalledMs > leaseMs) this.#untilMs = this.#nowMs() + quietMsMax;
  }
}
