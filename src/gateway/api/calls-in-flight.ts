/** Calls of Temporal: each has a deadline, and the connection is not closed under any of them. */
import type { Client } from "@temporalio/client";

export class CallsInFlight {
  readonly #client: Client;
  readonly #calls = new Set<Promise<unknown>>();

  constructor(client: Client) {
    this.#client = client;
  }

  async run<T>(withinMs: number, call: () => Promise<T>): Promise<T> {
    const running = this.#client.withDeadline(Date.now() + withinMs, call);
    this.#calls.add(running);
    try {
      return await running;
    } finally {
      this.#calls.delete(running);
    }
  }

  /** Resolves when no call is under way: closing the connection earlier would throw where nobody can catch it. */
  async settle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled([...this.#calls]);
  }
}
