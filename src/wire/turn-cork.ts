/** What can hold writes back: a socket. */
export interface Corkable {
  cork(): void;
  uncork(): void;
}

/**
 * Messages that leave in one system call. More would spare little, and keep the other side idle while they are made: two
 * processes would take turns where they could work at the same time.
 */
const messagesMax = 16;

/** What is written to a socket in one turn of the event loop leaves in few system calls. */
export class TurnCork {
  readonly #raw: Corkable;
  #corked = false;
  #messages = 0;

  constructor(raw: Corkable) {
    this.#raw = raw;
  }

  /** Call before each write. */
  untilNextTick(): void {
    if (this.#corked) {
      if (++this.#messages < messagesMax) return;
      this.#messages = 0;
      this.#raw.uncork();
      this.#raw.cork();
      return;
    }
    this.#corked = true;
    this.#messages = 0;
    this.#raw.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#raw.uncork();
    });
  }
}
