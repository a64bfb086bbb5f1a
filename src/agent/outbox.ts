/**
 * Responses to durable Requests that the manager has not acknowledged. They stay until it has, and leave by any
 * gateway and any later session. On disk they are the journal's; here they are ready to send.
 */
import { encodeResponse } from "../wire/codec.ts";
import { keyOf, type Journal, type RequestKey } from "./journal.ts";

/** An unacknowledged Response is sent again in the same session after so long. */
const resendAfterMs = 60_000;

interface Waiting extends RequestKey {
  readonly text: string;
  sentAtMs: number;
}

export class Outbox {
  readonly #journal: Journal;
  readonly #nowMs: () => number;
  readonly #waiting = new Map<string, Waiting>();

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

  /** Adds a Response, its Answers as JSON text; gives the frame's text. */
  add(request: RequestKey, answers: readonly string[]): string {
    const text = encodeResponse(request.seq, "durable", answers);
    this.#waiting.set(keyOf(request), {
      seq: request.seq,
      ids: request.ids,
      text,
      sentAtMs: this.#nowMs(),
    });
    return text;
  }

  /** The Response to a Request that came again, when it is still here. */
  find(request: RequestKey): string | undefined {
    return this.#waiting.get(keyOf(request))?.text;
  }

  /** All Responses in `seq` order, for a new session. */
  all(): readonly string[] {
    return this.#take(() => true);
  }

  /** Those that were sent long ago and never acknowledged. */
  overdue(): readonly string[] {
    const beforeMs = this.#nowMs() - resendAfterMs;
    return this.#take(({ sentAtMs }) => sentAtMs < beforeMs);
  }

  /** The manager has these Answers: forgets them. */
  acked(seq: number, commandIds: readonly string[]): void {
    const key = commandIds[0] ?? "";
    const waiting = this.#waiting.get(key);
    if (waiting?.seq !== seq) return;
    this.#waiting.delete(key);
    this.#journal.acked(waiting);
  }

  #take(wanted: (waiting: Waiting) => boolean): readonly string[] {
    const nowMs = this.#nowMs();
    const taken = [...this.#waiting.values()].filter(wanted).sort((a, b) => a.seq - b.seq);
    for (const waiting of taken) waiting.sentAtMs = nowMs;
    return taken.map(({ text }) => text);
  }
}
