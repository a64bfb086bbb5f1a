import type { Answer } from "../api/index.ts";

/** A caller that waits for the Answers of a durable Request. Times by the process's monotonic clock. */
export interface Waiter {
  readonly agentId: string;
  readonly requestId: string;
  /** Known once the Request is admitted. */
  seq: number | undefined;
  readonly startedMs: number;
  /** When the caller's wait is over. */
  waitOverMs: number;
  readonly settle: (answers: readonly Answer[]) => void;
  /** Tells the caller that what became of the Request is not known here. */
  readonly giveUp: (why: string) => void;
}

/** All callers that wait at this gateway; several may wait for one Request, when a caller asks again. */
export class DurableWaiters {
  readonly #byRequest = new Map<string, Set<Waiter>>();

  get size(): number {
    return this.#byRequest.size;
  }

  add(waiter: Waiter): void {
    const waiters = this.#byRequest.get(waiter.requestId);
    if (waiters === undefined) this.#byRequest.set(waiter.requestId, new Set([waiter]));
    else waiters.add(waiter);
  }

  remove(waiter: Waiter): void {
    const waiters = this.#byRequest.get(waiter.requestId);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#byRequest.delete(waiter.requestId);
  }

  all(): readonly Waiter[] {
    return [...this.#byRequest.values()].flatMap((waiters) => [...waiters]);
  }

  ofRequest(requestId: string): readonly Waiter[] {
    return [...(this.#byRequest.get(requestId) ?? [])];
  }

  /** Waiters for a Request that is known by its number only; rare: its Answers came without us having handed it over. */
  ofSeq(agentId: string, seq: number): readonly Waiter[] {
    const found: Waiter[] = [];
    for (const waiters of this.#byRequest.values()) {
      for (const waiter of waiters) {
        if (waiter.agentId === agentId && waiter.seq === seq) found.push(waiter);
      }
    }
    return found;
  }
}
