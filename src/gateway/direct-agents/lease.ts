/** This run's lease on direct agents: what they do hangs on its renewals, one by one (`lifecycle/direct-claims`). */
import { randomUUID } from "node:crypto";
import { endDirectLease, openDirectLease, renewDirectLease, type Db } from "../../db/index.ts";
import { directLease } from "../../lifecycle/direct-claims.ts";
import type { GatewayRef } from "../../workflows/agent-messages.ts";

export class DirectLease {
  readonly id = randomUUID();
  readonly holder: GatewayRef;
  readonly #db: Db;
  readonly #nowMs: () => number;
  #actsUntilMs = 0;

  private constructor(db: Db, holder: GatewayRef, nowMs: () => number) {
    this.#db = db;
    this.holder = holder;
    this.#nowMs = nowMs;
  }

  /** Opens one; undefined when this run of the gateway is not joined. */
  static async open(
    db: Db,
    holder: GatewayRef,
    nowMs: () => number,
  ): Promise<DirectLease | undefined> {
    const lease = new DirectLease(db, holder, nowMs);
    return (await openDirectLease(db, { id: lease.id, ...holder })) ? lease : undefined;
  }

  /** How long agents may act from now on, in milliseconds. */
  get actsForMs(): number {
    return Math.max(0, this.#actsUntilMs - this.#nowMs());
  }

  /** Renews it and gives the agents that it owns; undefined when it is gone for good. */
  async renew(): Promise<ReadonlyMap<string, number> | undefined> {
    const askedAtMs = this.#nowMs();
    const owned = await renewDirectLease(this.#db, this.id);
    this.#actsUntilMs = owned === undefined ? 0 : askedAtMs + directLease.actsForMs;
    return owned;
  }

  /** Its agents are free. Nothing of them may run any more. */
  async end(): Promise<void> {
    this.#actsUntilMs = 0;
    await endDirectLease(this.#db, this.id);
  }
}
