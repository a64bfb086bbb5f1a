/**
 * News from the event log for any number of readers. While somebody reads, one loop asks the database; the newest events
 * are kept here, and only readers that are further behind ask the database themselves. A slow reader costs no memory:
 * it asks when it is ready for more.
 */
import { listEvents, newestEventId, type Db, type EventRow } from "../../db/index.ts";
import type { Log } from "../../telemetry/log.ts";

const keptMax = 2_000;
const batchSize = 500;

export interface EventHubOptions {
  readonly db: Db;
  readonly log: Log;
  /** Between two looks at the database, in milliseconds. */
  readonly pollMs?: number;
}

/** Which events a reader wants; undefined: all. */
export interface EventFilter {
  readonly agentId?: string | undefined;
  readonly types?: readonly string[] | undefined;
}

export class EventHub {
  readonly #db: Db;
  readonly #log: Log;
  readonly #pollMs: number;
  /** The newest events, in the order of the stream; the last is the one at `#head`. */
  #kept: EventRow[] = [];
  /** Place of each kept event in `#kept`. */
  #places = new Map<number, number>();
  /** Id of the event before the first kept one. */
  #base: number | undefined;
  /** Id of the last event seen; undefined until the first reader comes. */
  #head: number | undefined;
  #readers = 0;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  constructor({ db, log, pollMs = 500 }: EventHubOptions) {
    this.#db = db;
    this.#log = log;
    this.#pollMs = pollMs;
  }

  /**
   * Batches of events after `afterId` (undefined: only news), until `signal` aborts. An empty batch says that
   * `idleMs` passed without news.
   */
  async *read(
    options: EventFilter & { readonly afterId?: number; readonly idleMs: number },
    signal: AbortSignal,
  ): AsyncGenerator<readonly EventRow[], void> {
    const { idleMs } = options;
    this.#enter();
    try {
      await this.#poll();
      let at = options.afterId ?? this.#head ?? 0;
      while (!signal.aborted) {
        const { events, nextAt } = await this.#after(at, options);
        at = nextAt;
        if (events.length > 0) yield events;
        else if (at === this.#head && !(await this.#news(idleMs, signal))) yield [];
      }
    } finally {
      this.#leave();
    }
  }

  /** Events after the one with id `at`, and where to go on. */
  async #after(
    at: number,
    { agentId, types }: EventFilter,
  ): Promise<{ readonly events: readonly EventRow[]; readonly nextAt: number }> {
    const head = this.#head ?? 0;
    if (at === head) return { events: [], nextAt: head };
    const place = at === this.#base ? -1 : this.#places.get(at);
    if (place !== undefined) {
      const newer = this.#kept.slice(place + 1);
      return { events: newer.filter((event) => isWanted(event, { agentId, types })), nextAt: head };
    }
    const events = await listEvents(this.#db, { afterId: at, limit: batchSize, agentId, types });
    const last = events.at(-1);
    // Nothing is left before the head that was known before the look: there the reader goes on from memory.
    if (last === undefined) return { events, nextAt: head };
    // The head must never be behind a reader, or the reader would get events again.
    await this.#poll();
    return { events, nextAt: last.id };
  }

  #enter(): void {
    this.#readers++;
    this.#timer ??= setInterval(() => {
      this.#poll().catch((error: unknown) => {
        this.#log.warn({ err: error }, "the event log could not be read; trying again");
      });
    }, this.#pollMs);
  }

  #leave(): void {
    this.#readers--;
    if (this.#readers > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    // What comes while nobody looks is not kept.
    this.#head = undefined;
    this.#base = undefined;
    this.#kept = [];
    this.#places.clear();
  }

  /** Brings the head up to date; callers at once share one look. */
  async #poll(): Promise<void> {
    await this.#polling?.catch(() => undefined);
    this.#polling ??= this.#catchUp().finally(() => {
      this.#polling = undefined;
    });
    await this.#polling;
  }

  async #catchUp(): Promise<void> {
    if (this.#head === undefined) {
      const newest = await newestEventId(this.#db);
      if (this.#readers > 0) this.#base = this.#head ??= newest;
      return;
    }
    for (;;) {
      const events = await listEvents(this.#db, { afterId: this.#head, limit: batchSize });
      const last = events.at(-1);
      if (last === undefined || this.#readers === 0) return;
      this.#head = last.id;
      this.#keep(events);
      for (const wake of this.#waiting.splice(0)) wake();
      if (events.length < batchSize) return;
    }
  }

  #keep(events: readonly EventRow[]): void {
    const all = [...this.#kept, ...events];
    this.#base = all.at(-keptMax - 1)?.id ?? this.#base;
    this.#kept = all.slice(-keptMax);
    this.#places = new Map(this.#kept.map((event, place) => [event.id, place]));
  }

  /** Resolves with true when there is news, with false when `idleMs` passed or `signal` aborted. */
  #news(idleMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (isNews: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        this.#waiting = this.#waiting.filter((one) => one !== wake);
        resolve(isNews);
      };
      const wake = (): void => {
        done(true);
      };
      const onAbort = (): void => {
        done(false);
      };
      const timer = setTimeout(onAbort, idleMs);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(wake);
      if (signal.aborted) onAbort();
    });
  }
}

function isWanted(event: EventRow, { agentId, types }: EventFilter): boolean {
  return (
    (agentId === undefined || event.agentId === agentId) &&
    (types === undefined || types.includes(event.type))
  );
}
