import type { Duplex } from "node:stream";

/** What is written to a socket in one turn of the event loop leaves in one system call. */
export class TurnCork {
  readonly #raw: Duplex;
  #corked = false;

  constructor(raw: Duplex) {
    this.#raw = raw;
  }

  /** Call before each write. */
  untilNextTick(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#raw.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#raw.uncork();
    });
  }
}
