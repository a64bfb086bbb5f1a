/**
 * Runs in-sequence Requests one at a time, lowest `seq` first (DESIGN §7.3). A Request may name the one before it
 * (`after`, `alsoAfter`), which can arrive later by another way: it is held until each of those is finished, or over.
 * The agent enforces the order, so that no queue on the way can be wedged by a crash.
 */
import { timerMsMax } from "./open-request.ts";

/** A Request to finish before another, `withinMs` from now at most. */
interface After {
  readonly seq: number;
  readonly withinMs: number;
}

/** The Requests to finish before one, as its frame names them. */
export interface Before {
  readonly after?: After | undefined;
  readonly alsoAfter?: readonly After[] | undefined;
}

/** An in-sequence Request that waits for its turn. */
export interface SequencedJob extends Before {
  readonly seq: number;
  /** Resolves when the next may start. What it throws is not looked at. */
  readonly run: () => Promise<void>;
}

/** A Request to wait for, and until when at most. */
interface Hold {
  readonly seq: number;
  readonly untilMs: number;
}

interface Queued {
  readonly job: SequencedJob;
  holds: readonly Hold[];
  timer: NodeJS.Timeout | undefined;
}

/** Finished Requests to remember, for an `after` that names one of them. */
const finishedKept = 4_096;

export class Sequencer {
  readonly #queue = new Map<number, Queued>();
  /** By `seq`, with what those who named it have to wait for in its place: it was taken out before it ran. */
  readonly #finished: Map<number, readonly Hold[]>;
  #running = false;
  #stopped = false;

  /** @param finished Requests that an earlier run of the agent finished. */
  constructor(finished: Iterable<number> = []) {
    this.#finished = new Map([...finished].map((seq) => [seq, []]));
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
    const queued: Queued = { job, holds: [], timer: undefined };
    this.#queue.set(job.seq, queued);
    this.#hold(queued, holdsOf(job));
    this.#next();
  }

  /** A Request came again: if it still waits, it does so for what it names now. */
  renew(seq: number, before: Before): void {
    const queued = this.#queue.get(seq);
    if (queued === undefined) return;
    this.#hold(queued, holdsOf(before));
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
    this.#finish(seq, queued.holds);
    this.#next();
    return true;
  }

  /** A Request that will never be submitted: the same as one that is withdrawn. */
  passOver(seq: number, before: Before = {}): void {
    this.#finish(seq, this.#inForce(holdsOf(before)));
    this.#next();
  }

  /** Starts nothing any more. */
  stop(): void {
    this.#stopped = true;
    for (const queued of this.#queue.values()) clearTimeout(queued.timer);
    this.#queue.clear();
  }

  /** Holds a Request, or sets it free when there is nothing to wait for (any more). */
  #hold(queued: Queued, holds: readonly Hold[]): void {
    clearTimeout(queued.timer);
    queued.timer = undefined;
    queued.holds = this.#inForce(holds);
    if (queued.holds.length === 0) return;
    const untilMs = Math.min(...queued.holds.map((hold) => hold.untilMs));
    const leftMs = Math.min(Math.ceil(untilMs - performance.now()), timerMsMax);
    queued.timer = setTimeout(() => {
      this.#hold(queued, queued.holds);
      this.#next();
    }, leftMs);
  }

  /** What holds come to by now: Requests that were taken out hand on their own. */
  #inForce(holds: readonly Hold[]): readonly Hold[] {
    const nowMs = performance.now();
    const inForce = new Map<number, Hold>();
    const seen = new Set<Hold>();
    const look = (hold: Hold): void => {
      if (seen.has(hold) || hold.untilMs <= nowMs) return;
      seen.add(hold);
      const inherited = this.#finished.get(hold.seq);
      if (inherited === undefined) {
        const known = inForce.get(hold.seq);
        if (known === undefined || known.untilMs < hold.untilMs) inForce.set(hold.seq, hold);
        return;
      }
      // Rising numbers would be a circle: nobody has to wait for those behind him.
      for (const one of inherited) if (one.seq < hold.seq) look(one);
    };
    holds.forEach(look);
    return [...inForce.values()];
  }

  #next(): void {
    if (this.#running || this.#stopped) return;
    let first: Queued | undefined;
    for (const queued of this.#queue.values()) {
      if (queued.holds.length > 0) continue;
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
    this.#finish(job.seq, []);
    this.#next();
  }

  #remove({ job, timer }: Queued): void {
    clearTimeout(timer);
    this.#queue.delete(job.seq);
  }

  #finish(seq: number, inherited: readonly Hold[]): void {
    this.#finished.set(seq, inherited);
    for (const queued of this.#queue.values()) {
      if (queued.holds.some((hold) => hold.seq === seq)) this.#hold(queued, queued.holds);
    }
    const [oldest] = this.#finished.keys();
    if (this.#finished.size > finishedKept && oldest !== undefined) this.#finished.delete(oldest);
  }
}

function holdsOf({ after, alsoAfter = [] }: Before): readonly Hold[] {
  const nowMs = performance.now();
  return [...(after === undefined ? [] : [after]), ...alsoAfter].map(({ seq, withinMs }) => ({
    seq,
    untilMs: nowMs + withinMs,
  }));
}
