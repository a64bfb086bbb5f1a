/** Forgets request ids whose time is over: a little at a time, by whichever gateway comes first. */
import type { Log } from "../telemetry/log.ts";

/** Between two looks; gateways that started together do not stay together. */
const everyMs = 60_000;
const batchSize = 1_000;
/** In one turn: a table of millions shrinks over hours, and nobody notices. */
const batchesMax = 20;

export class RequestTrimmer {
  readonly #forget: (most: number) => Promise<number>;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  /** `forget` forgets so many at most, and gives how many it did. */
  constructor(forget: (most: number) => Promise<number>, log: Log) {
    this.#forget = forget;
    this.#log = log;
  }

  start(): void {
    this.#arm();
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  #arm(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(
      () => {
        this.#turn = this.#trim().finally(() => {
          this.#arm();
        });
      },
      everyMs * (0.5 + Math.random()),
    );
  }

  async #trim(): Promise<void> {
    try {
      for (let batch = 0; batch < batchesMax && !this.#closed; batch++) {
        if ((await this.#forget(batchSize)) < batchSize) return;
      }
    } catch (error) {
      this.#log.debug({ err: error }, "old request ids stay a while longer");
    }
  }
}
