/**
 * The gateway's lease: an activity of its lifecycle workflow that lives as long as the loop that judges silence beats.
 * Without it the gateway vouches for nobody.
 */

/** What the lease needs of the activity that holds it. */
export interface LeaseHolder {
  readonly heartbeat: () => void;
  /** Aborted when the lease is lost or no longer wanted. */
  readonly signal: AbortSignal;
}

export class Lease {
  #holder: LeaseHolder | undefined;
  #released = false;
  #giveBack: () => void = () => undefined;

  get held(): boolean {
    return this.#holder !== undefined;
  }

  /**
   * Holds the lease until it is lost (throws the reason) or given back (resolves). A lost lease is offered again by the
   * gateway's lifecycle, unless that has given the gateway up (see `Membership`).
   */
  async hold(holder: LeaseHolder): Promise<void> {
    if (this.#released) return;
    this.#holder = holder;
    holder.heartbeat();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#giveBack = resolve;
        const lost = (): void => {
          reject(new Error("The lease is lost.", { cause: holder.signal.reason }));
        };
        if (holder.signal.aborted) lost();
        else holder.signal.addEventListener("abort", lost, { once: true });
      });
    } finally {
      if (this.#holder === holder) this.#holder = undefined;
    }
  }

  /** One beat; nothing when the lease is not held. */
  beat(): void {
    this.#holder?.heartbeat();
  }

  /** The gateway leaves on purpose. */
  release(): void {
    this.#released = true;
    this.#giveBack();
  }
}
