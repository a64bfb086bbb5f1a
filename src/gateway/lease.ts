/**
 * The gateway's lease: an activity of its lifecycle workflow, heartbeaten by the loop that judges silence. It is held as long
 * as Temporal has confirmed a heartbeat within the lease's time, by this process's own monotonic clock, counted from before
 * that heartbeat was sent: so it is over here before it is over there, also for a process that stood still meanwhile.
 */
import { leaseMs } from "../lifecycle/fencing.ts";
import type { Log } from "../telemetry/log.ts";

/** The lease as Temporal offered it. */
export interface LeaseOffer {
  /** Resolves with whether Temporal still has it; throws when it does not answer. */
  readonly heartbeat: () => Promise<boolean>;
  /** Ends it; never throws. */
  readonly giveBack: () => Promise<void>;
}

export class Lease {
  readonly #nowMs: () => number;
  readonly #log: Log;
  #offer: LeaseOffer | undefined;
  #beating = false;
  #confirmedAtMs: number | undefined;
  #released = false;

  constructor(log: Log, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  get held(): boolean {
    const { confirmedAgoMs } = this;
    return this.#offer !== undefined && confirmedAgoMs !== undefined && confirmedAgoMs <= leaseMs;
  }

  /** Since Temporal confirmed it, in this run of the gateway; undefined when it never has. */
  get confirmedAgoMs(): number | undefined {
    return this.#confirmedAtMs === undefined ? undefined : this.#nowMs() - this.#confirmedAtMs;
  }

  /** It was had, and may be somebody else's by now. */
  get isStale(): boolean {
    return (this.confirmedAgoMs ?? 0) > leaseMs;
  }

  /** Takes the lease up; the newest offer counts. It counts as held once its first heartbeat is confirmed. */
  take(offer: LeaseOffer): void {
    if (this.#released) {
      void offer.giveBack();
      return;
    }
    this.#offer = offer;
    this.#beating = false;
    this.beat();
  }

  /** One heartbeat, unless one is under way; nothing without a lease. */
  beat(): void {
    const offer = this.#offer;
    if (offer === undefined || this.#beating) return;
    this.#beating = true;
    void this.#beat(offer).finally(() => {
      if (this.#offer === offer) this.#beating = false;
    });
  }

  /** This run of the gateway gives the lease up, and begins to wait for one of the next run. */
  async drop(): Promise<void> {
    const offer = this.#offer;
    this.#offer = undefined;
    this.#beating = false;
    this.#confirmedAtMs = undefined;
    await offer?.giveBack();
  }

  /** The gateway leaves on purpose. */
  async release(): Promise<void> {
    this.#released = true;
    await this.drop();
  }

  async #beat(offer: LeaseOffer): Promise<void> {
    const sentAtMs = this.#nowMs();
    try {
      const lives = await offer.heartbeat();
      if (this.#offer !== offer) return;
      if (lives) this.#confirmedAtMs = sentAtMs;
      else {
        this.#offer = undefined;
        this.#log.warn("the lease is lost");
      }
    } catch (error) {
      this.#log.debug({ err: error }, "a heartbeat of the lease was not confirmed");
    }
  }
}
