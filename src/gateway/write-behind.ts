/** When things that nobody waits for are written. */
const delayMs = 1_000;
const retryMs = 5_000;

/**
 * Calls `write` about a second after something came, so that many go in one statement; never twice at once, and again
 * later while it fails. What is written is its owner's.
 */
export class WriteBehind {
  readonly #write: () => Promise<boolean>;
  readonly #onFailed: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  /** `write` says whether more is waiting. */
  constructor(write: () => Promise<boolean>, onFailed: (error: unknown) => void) {
    this.#write = write;
    this.#onFailed = onFailed;
  }

  /** Something came. */
  poke(): void {
    this.#arm(delayMs);
  }

  /** Writes what is there, once, and no more after. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#run();
  }

  #arm(inMs: number): void {
    if (this.#closed || this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#run().then((againMs) => {
        this.#writing = undefined;
        if (againMs !== undefined) this.#arm(againMs);
      });
    }, inMs);
  }

  /** Gives when to write again; undefined when nothing is waiting. */
  async #run(): Promise<number | undefined> {
    try {
      return (await this.#write()) ? delayMs : undefined;
    } catch (error) {
      this.#onFailed(error);
      return retryMs;
    }
  }
}
