/**
 * Runs in-sequence Requests one at a time, lowest `seq` first (DESIGN §7.3). A Request may name the one before it
 * (`after`), which can arrive later by another way: it is held until that one is finished, or `withinMs` at most.
 * The agent enforces the order, so that no queue on the way can be wedged by a crash.
 */

/** An in-sequence Request that waits for its turn. */
export interface SequencedJob {
  readonly seq: number;
  readonly after?: { readonly seq: number; readonly withinMs: number } | undefined;
  /** Resolves when the next may start. Must not throw. */
  readonly run: () => Promise<void>;
}

interface Queued {
  readonly job: SequencedJob;
  /** No longer held by `after`. */
  free: boolean;
  readonly timer: NodeJS.Timeout | undefined;
}

/** Finished Requests to remember, for an `after` that names one of them. */
const finishedKept = 4_096;

export class Sequencer {
  readonly #queue = new Map<number, Queued>();
  readonly #finished: Set<number>;
  #running = false;

  /** @param finished Requests that an earlier run of the agent finished. */
  constructor(finished: Iterable<number> = []) {
    this.#finished = new Set(finished);
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return this.#queue.size;
  }

  submit(job: SequencedJob): void {
    const { after } = job;
    const free = after === undefined || this.#finished.has(after.seq);
    const timer = free
      ? undefined
      : setTimeout(() => {
          this.#release(job.seq);
        }, after.withinMs);
    this.#queue.set(job.seq, { job, free, timer });
    this.#next();
  }

  /** Takes out a Request that has not started; false when it has, or is not known. It counts as finished. */
  withdraw(seq: number): boolean {
    const queued = this.#queue.get(seq);
    if (queued === undefined) return false;
    this.#remove(queued);
    this.#finish(seq);
    this.#next();
    return true;
  }

  /** Starts nothing any more. */
  stop(): void {
    for (const queued of this.#queue.values()) clearTimeout(queued.timer);
    this.#queue.clear();
    this.#running = true;
  }

  #release(seq: number): void {
    const queued = this.#queue.get(seq);
    if (queued === undefined) return;
    queued.free = true;
    this.#next();
  }

  #next(): void {
    if (this.#running) return;
    let first: Queued | undefined;
    for (const queued of this.#queue.values()) {
      if (queued.free && (first === undefined || queued.job.seq < first.job.seq)) first = queued;
    }
    if (first === undefined) return;
    this.#remove(first);
    void this.#run(first.job);
  }

  async #run(job: SequencedJob): Promise<void> {
    this.#running = true;
    await job.run();
    this.#running = false;
    this.#finish(job.seq);
    this.#next();
  }

  #remove({ job, timer }: Queued): void {
    clearTimeout(timer);
    this.#queue.delete(job.seq);
  }

  #finish(seq: number): void {
    this.#finished.add(seq);
    for (const queued of this.#queue.values()) {
      if (queued.job.after?.seq === seq) {
        clearTimeout(queued.timer);
        queued.free = true;
      }
    }
    const [oldest] = this.#finished;
    if (this.#finished.size > finishedKept && oldest !== undefined) this.#finished.delete(oldest);
  }
}
