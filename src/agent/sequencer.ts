/**
 * Runs in-sequence Requests one at a time, lowest `seq` first (DESIGN §7.3). A Request may name the one before it
 * (`after`), which can arrive later by another way: it is held until that one is finished, or `withinMs` at most.
 * The agent enforces the order, so that no queue on the way can be wedged by a crash.
 */
import { timerMsMax } from "./open-request.ts";

/** An in-sequence Request that waits for its turn. */
export interface SequencedJob {
  readonly seq: number;
  readonly after?: { readonly seq: number; readonly withinMs: number } | undefined;
  /** Resolves when the next may start. What it throws is not looked at. */
  readonly run: () => Promise<void>;
}

/** The Request to wait for, and until when at most. */
interface Hold {
  readonly seq: number;
  readonly untilMs: number;
}

interface Queued {
  readonly job: SequencedJob;
  hold: Hold | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Finished Requests to remember, for an `after` that names one of them. */
const finishedKept = 4_096;

export class Sequencer {
  readonly #queue = new Map<number, Queued>();
  /** By `seq`, with what those who named it have to wait for in its place: it was taken out before it ran. */
  readonly #finished: Map<number, Hold | undefined>;
  #running = false;
  #stopped = false;

  /** @param finished Requests that an earlier run of the agent finished. */
  constructor(finished: Iterable<number> = []) {
    this.#finished = new Map([...finished].map((seq) => [seq, undefined]));
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Finished Requests that are remembered. */
  get remembered(): number {
    return this.#finished.size;
  }

  /** @param job no other of its number waits. */
  submit(job: SequencedJob): void {
    const queued: Queued = { job, hold: undefined, timer: undefined };
    this.#queue.set(job.seq, queued);
    this.#hold(queued, holdOf(job));
    this.#next();
  }

  /**
   * Takes out a Request that has not started; false when it has, or is not known. It counts as finished, except that who
   * named it waits for what it waited for itself.
   */
  withdraw(seq: number): boolean {
    const queued = this.#queue.get(seq);
    if (queued === undefined) return false;
    this.#remove(queued);
    this.#finish(seq, queued.hold);
    this.#next();
    return true;
  }

  /** A Request that will never be submitted: the same as one that is withdrawn. */
  passOver(seq: number, after?: SequencedJob["after"]): void {
    this.#finish(seq, this.#inForce(holdOf({ after })));
    this.#next();
  }

  /** Starts nothing any more. */
  stop(): void {
    this.#stopped = true;
    for (const queued of this.#queue.values()) clearTimeout(queued.timer);
    this.#queue.clear();
  }

  /** Holds a Request, or sets it free when there is nothing to wait for (any more). */
  #hold(queued: Queued, hold: Hold | undefined): void {
    clearTimeout(queued.timer);
    queued.timer = undefined;
    queued.hold = this.#inForce(hold);
    if (queued.hold === undefined) return;
    const leftMs = Math.min(queued.hold.untilMs - performance.now(), timerMsMax);
    queued.timer = setTimeout(() => {
      queued.hold = undefined;
      this.#next();
    }, leftMs);
  }

  /** What a hold comes to by now: Requests that were taken out hand on their own. */
  #inForce(hold: Hold | undefined): Hold | undefined {
    let current = hold;
    while (current !== undefined && this.#finished.has(current.seq)) {
      const inherited = this.#finished.get(current.seq);
      // Rising numbers would be a circle: nobody has to wait for those behind him.
      current = inherited !== undefined && inherited.seq < current.seq ? inherited : undefined;
    }
    return current !== undefined && current.untilMs > performance.now() ? current : undefined;
  }

  #next(): void {
    if (this.#running || this.#stopped) return;
    let first: Queued | undefined;
    for (const queued of this.#queue.values()) {
      if (queued.hold !== undefined) continue;
      if (first === undefined || queued.job.seq < first.job.seq) first = queued;
    }
    if (first === undefined) return;
    this.#remove(first);
    void this.#run(first.job);
  }

  async #run(job: SequencedJob): Promise<void> {
    this.#running = true;
    try {
      await job.run();
    } catch {
      // Whoever submitted it deals with that; the queue goes on in any case.
    }
    this.#running = false;
    this.#finish(job.seq, undefined);
    this.#next();
  }

  #remove({ job, timer }: Queued): void {
    clearTimeout(timer);
    this.#queue.delete(job.seq);
  }

  #finish(seq: number, inherited: Hold | undefined): void {
    this.#finished.set(seq, inherited);
    for (const queued of this.#queue.values()) {
      if (queued.hold?.seq === seq) this.#hold(queued, queued.hold);
    }
    const [oldest] = this.#finished.keys();
    if (this.#finished.size > finishedKept && oldest !== undefined) this.#finished.delete(oldest);
  }
}

function holdOf({ after }: Pick<SequencedJob, "after">): Hold | undefined {
  return after && { seq: after.seq, untilMs: performance.now() + after.withinMs };
}
