/**
 * Responses to durable Requests that the manager has not acknowledged. They stay until it has, and leave by any
 * gateway and any later session. On disk they are the journal's; here they are ready to send.
 */
import { encodeResponse } from "../wire/codec.ts";
import type { Journal } from "./journal.ts";
import { keyOf, type RequestKey } from "./request-key.ts";

/** An unacknowledged Response is sent again in the same session after so long. */
const resendAfterMs = 60_000;
/** Bytes of Answers to keep that are in no journal: those of Requests that only read. */
const readingBytesMax = 16 * 1024 * 1024;

interface Waiting {
  readonly request: RequestKey;
  readonly answers: readonly string[];
  /** Bytes that count against the limit. */
  readonly bytes: number;
  sentAtMs: number;
}

export class Outbox {
  readonly #journal: Journal;
  readonly #nowMs: () => number;
  readonly #waiting = new Map<string, Waiting>();
  #readingBytes = 0;

  /** Takes up what an earlier run left in the journal. */
  constructor(journal: Journal, nowMs: () => number = () => performance.now()) {
    this.#journal = journal;
    this.#nowMs = nowMs;
    for (const request of journal.answeredRequests()) {
      this.add(
        request,
        request.ids.map((id) => request.answers.get(id) ?? ""),
      );
    }
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Adds a Response, its Answers as JSON text; gives the frame's text. One that only reads, so that it may be run again, is
   * not kept when too much waits already: a later session gets its Request again.
   */
  add(request: RequestKey, answers: readonly string[], onlyReads = false): string {
    const text = responseText(request, answers);
    const bytes = onlyReads ? text.length : 0;
    if (this.#readingBytes + bytes > readingBytesMax) return text;
    this.#readingBytes += bytes;
    this.#waiting.set(keyOf(request), { request, answers, bytes, sentAtMs: this.#nowMs() });
    return text;
  }

  /** What is kept of the Response to a Request that came again. */
  find(request: RequestKey): { readonly request: RequestKey; readonly text: string } | undefined {
    const waiting = this.#waiting.get(keyOf(request));
    return waiting && { request: waiting.request, text: textOf(waiting) };
  }

  /** All Responses in `seq` order, for a new session; made one by one, as they are asked for. */
  all(): Iterable<string> {
    return this.#take(() => true);
  }

  /** Those that were sent long ago and never acknowledged. */
  overdue(): Iterable<string> {
    const beforeMs = this.#nowMs() - resendAfterMs;
    return this.#take(({ sentAtMs }) => sentAtMs < beforeMs);
  }

  /** The manager has these Answers: forgets them. */
  acked(seq: number, commandIds: readonly string[]): void {
    const key = keyOf({ seq, ids: commandIds });
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    this.#readingBytes -= waiting.bytes;
    this.#journal.acked(waiting.request);
  }

  *#take(wanted: (waiting: Waiting) => boolean): Iterable<string> {
    const taken = [...this.#waiting].filter(([, waiting]) => wanted(waiting));
    taken.sort(([, a], [, b]) => a.request.seq - b.request.seq);
    for (const [key, waiting] of taken) {
      // It may have been acknowledged in between.
      if (this.#waiting.get(key) !== waiting) continue;
      waiting.sentAtMs = this.#nowMs();
      yield textOf(waiting);
    }
  }
}

function textOf({ request, answers }: Waiting): string {
  return responseText(request, answers);
}

function responseText({ seq }: RequestKey, answers: readonly string[]): string {
  return encodeResponse(seq, "durable", answers);
}
