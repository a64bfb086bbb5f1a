/**
 * The time that a gateway judges silence by: monotonic, and standing still while the gateway itself stood still.
 * A stall (a busy event loop, SIGSTOP, a paused machine) moves it by one step at most, so that every deadline
 * judged by it is longer by the rest of the stall.
 */
export class JudgingClock {
  readonly #readMs: () => number;
  readonly #stepMsMax: number;
  #readAtMs: number;
  #judgedMs = 0;

  /** `stepMsMax`: the longest time between two ticks that is not a stall. */
  constructor(stepMsMax: number, readMs: () => number = () => performance.now()) {
    this.#readMs = readMs;
    this.#stepMsMax = stepMsMax;
    this.#readAtMs = readMs();
  }

  now(): number {
    return this.#judgedMs + Math.min(this.#readMs() - this.#readAtMs, this.#stepMsMax);
  }

  /** How long ago the last tick was, however long the process stood still since. */
  get sinceTickMs(): number {
    return this.#readMs() - this.#readAtMs;
  }

  /** Moves on; gives how long the process stalled since the last tick, in milliseconds, 0 when it did not. */
  tick(): number {
    const readMs = this.#readMs();
    const passedMs = readMs - this.#readAtMs;
    const stepMs = Math.min(passedMs, this.#stepMsMax);
    this.#judgedMs += stepMs;
    this.#readAtMs = readMs;
    return passedMs - stepMs;
  }
}
