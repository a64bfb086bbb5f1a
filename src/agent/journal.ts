/**
 * The agent's memory on disk of durable Requests: which Commands were started, what was answered, what the manager has
 * safe. It makes "at most one execution for each Command id" true after a crash (DESIGN §7). The file appears with the
 * first line; an agent that never runs a Command that changes something never has one.
 */
import type { Log } from "../telemetry/log.ts";
import { JournalFile } from "./journal-file.ts";
import { readJournalLine, type JournalLine } from "./journal-lines.ts";

/** Acknowledged Requests to remember. */
const ackedKept = 1_000;
/** Lines from which on the file is written anew when three quarters of it are history. */
const compactFromLines = 4_000;

/** A durable Request as the journal knows it. */
export interface RequestKey {
  readonly seq: number;
  /** Ids of its Commands in order. The first one names the Request. */
  readonly ids: readonly string[];
}

/** A Request that is not acknowledged yet. */
export interface JournalledRequest extends RequestKey {
  readonly started: Set<string>;
  /** JSON text of the Answers by Command id. */
  readonly answers: Map<string, string>;
}

/** What the journal knows of a Command. */
export type Recollection =
  | { readonly type: "new" }
  /** Started before and not answered: only a crash in between leaves this. */
  | { readonly type: "started" }
  | { readonly type: "answered"; readonly answer: string }
  /** The file was damaged where this Command may have been noted. */
  | { readonly type: "doubtful" };

/** The id that names a Request. */
export function keyOf(request: { readonly ids: readonly string[] }): string {
  return request.ids[0] ?? "";
}

export class Journal {
  readonly #file: JournalFile;
  readonly #log: Log;
  readonly #requests = new Map<string, JournalledRequest>();
  /** Acknowledged Requests, oldest first. */
  readonly #acked = new Map<string, RequestKey>();
  #doubtUpToSeq = -1;

  constructor(path: string, log: Log) {
    this.#log = log;
    this.#file = new JournalFile(path, () => [...this.#liveLines()].map((x) => JSON.stringify(x)));
  }

  /**
   * Reads what an earlier run left.
   * @throws JournalError when the file can't be read.
   */
  async load(): Promise<void> {
    const { lines, setAsideAs } = await this.#file.load();
    let seqMax = -1;
    for (const raw of lines) {
      const line = readJournalLine(raw);
      if (line === undefined) continue;
      if ("seq" in line) seqMax = Math.max(seqMax, line.seq);
      this.#apply(line);
    }
    if (setAsideAs === undefined) return;
    this.#doubtUpToSeq = seqMax;
    this.#log.error(
      { setAsideAs, linesRead: lines.length, doubtUpToSeq: seqMax },
      "the journal was damaged: kept what could be read; Commands that may have been noted in the rest are answered unknown",
    );
  }

  /** Requests whose Commands are all answered but not acknowledged: what an earlier run had still to send. */
  answeredRequests(): readonly JournalledRequest[] {
    return [...this.#requests.values()].filter(({ ids, answers }) =>
      ids.every((id) => answers.has(id)),
    );
  }

  /** Whether the manager has the Answers of this Request. */
  isAcked(request: RequestKey): boolean {
    return this.#acked.has(keyOf(request));
  }

  /** Sequence numbers of the Requests that are finished, acknowledged or not. */
  finishedSeqs(): readonly number[] {
    return [...this.#acked.values(), ...this.answeredRequests()].map(({ seq }) => seq);
  }

  recall(request: RequestKey, id: string): Recollection {
    const known = this.#requests.get(keyOf(request));
    if (known === undefined) {
      return request.seq <= this.#doubtUpToSeq ? { type: "doubtful" } : { type: "new" };
    }
    const answer = known.answers.get(id);
    if (answer !== undefined) return { type: "answered", answer };
    return known.started.has(id) ? { type: "started" } : { type: "new" };
  }

  /**
   * Notes that a Command is about to be executed; resolves when that is on disk.
   * @throws JournalError when it is not: then the Command must not be executed.
   */
  async started(request: RequestKey, id: string): Promise<void> {
    try {
      await this.#note(request, { t: "started", key: keyOf(request), id });
    } catch (error) {
      this.#requests.get(keyOf(request))?.started.delete(id);
      throw error;
    }
  }

  /**
   * Notes an Answer (JSON text); resolves when that is on disk.
   * @throws JournalError when it is not. The Answer is remembered in memory all the same.
   */
  async answered(request: RequestKey, id: string, answer: string): Promise<void> {
    await this.#note(request, {
      t: "answer",
      key: keyOf(request),
      id,
      answer: JSON.parse(answer) as object,
    });
  }

  /** Notes that the manager has the Answers. Not waited for: a crash before it is on disk costs one repetition. */
  acked(request: RequestKey): void {
    const line: JournalLine = { t: "acked", seq: request.seq, ids: [...request.ids] };
    const journalled = this.#requests.has(keyOf(request));
    this.#apply(line);
    if (!journalled) return;
    this.#append(line).catch((error: unknown) => {
      this.#log.error({ err: error }, "could not note an acknowledgement");
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #note(request: RequestKey, line: JournalLine): Promise<void> {
    const lines: JournalLine[] = [line];
    if (!this.#requests.has(keyOf(request))) {
      lines.unshift({ t: "request", seq: request.seq, ids: [...request.ids] });
    }
    for (const one of lines) this.#apply(one);
    await this.#append(...lines);
  }

  #append(...lines: readonly JournalLine[]): Promise<void> {
    const live = this.#requests.size * 3 + this.#acked.size;
    if (this.#file.lineCount > compactFromLines && this.#file.lineCount > 4 * live) {
      this.#file.compact();
    }
    return this.#file.append(...lines.map((line) => JSON.stringify(line)));
  }

  #apply(line: JournalLine): void {
    switch (line.t) {
      case "request":
        // A file that was written anew in between may say it twice.
        if (this.#requests.has(keyOf(line)) || this.#acked.has(keyOf(line))) return;
        this.#requests.set(keyOf(line), {
          seq: line.seq,
          ids: line.ids,
          started: new Set(),
          answers: new Map(),
        });
        return;
      case "started":
        this.#requests.get(line.key)?.started.add(line.id);
        return;
      case "answer":
        this.#requests.get(line.key)?.answers.set(line.id, JSON.stringify(line.answer));
        return;
      case "acked": {
        this.#requests.delete(keyOf(line));
        this.#acked.set(keyOf(line), { seq: line.seq, ids: line.ids });
        const [oldest] = this.#acked.keys();
        if (this.#acked.size > ackedKept && oldest !== undefined) this.#acked.delete(oldest);
        return;
      }
    }
  }

  *#liveLines(): Iterable<JournalLine> {
    for (const { seq, ids } of this.#acked.values()) yield { t: "acked", seq, ids: [...ids] };
    for (const [key, { seq, ids, started, answers }] of this.#requests) {
      yield { t: "request", seq, ids: [...ids] };
      for (const id of started) yield { t: "started", key, id };
      for (const [id, answer] of answers) {
        yield { t: "answer", key, id, answer: JSON.parse(answer) as object };
      }
    }
  }
}
