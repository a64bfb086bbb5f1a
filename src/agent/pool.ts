/** Runs jobs at once, up to a bound; the rest wait in order, up to a bound. */
export class Pool<Key> {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Map<Key, () => Promise<void>>();
  #running = 0;
  #stopped = false;

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** Takes a job, which must not throw; false when too many wait. */
  submit(key: Key, run: () => Promise<void>): boolean {
    if (this.#stopped) return true;
    if (this.#running < this.#runningMax) {
      void this.#run(run);
      return true;
    }
    if (this.#waiting.size >= this.#waitingMax) return false;
    this.#waiting.set(key, run);
    return true;
  }

  /** Takes out a job that has not started; false when it has, or is not known. */
  withdraw(key: Key): boolean {
    return this.#waiting.delete(key);
  }

  /** Starts nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }

  async #run(run: () => Promise<void>): Promise<void> {
    this.#running++;
    await run();
    this.#running--;
    for (const [key, next] of this.#waiting) {
      this.#waiting.delete(key);
      void this.#run(next);
      return;
    }
  }
}
