/**
 * Tells lifecycles of the Answers that are there while a Request goes on, for those who look from elsewhere. Best effort:
 * bounded, seldom, and nothing waits for it; the Response says it all again.
 */
import type { Answer } from "../api/index.ts";
import { sizeOf } from "../lifecycle/size-of.ts";
import type { ProgressMessage } from "../workflows/agent-messages.ts";

/** What comes within the first of these goes together, and is not told when the Response comes sooner. */
const paceMs = { first: 1_000, between: 5_000 };
/** Larger Answers are left to the Response. */
const answerBytesMax = 16 * 1024;
const messageBytesMax = 128 * 1024;
/** Requests with something to tell; of more, callers elsewhere learn at the end. */
const requestsMax = 2_000;
const tickMs = 500;
/** Signals under way at once. */
const sendingMax = 16;

export interface ProgressRelayPort {
  send(agentId: string, message: ProgressMessage): Promise<void>;
  nowMs(): number;
}

interface Pending {
  readonly agentId: string;
  readonly seq: number;
  answers: Answer[];
  bytes: number;
  dueMs: number;
}

export class ProgressRelay {
  readonly #port: ProgressRelayPort;
  /** In no order of time: few, and looked at together. */
  readonly #pending = new Map<string, Pending>();
  #sending = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Signals that Temporal took. */
  told = 0;

  constructor(port: ProgressRelayPort) {
    this.#port = port;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** An Answer of a Request that goes on. */
  note(agentId: string, seq: number, answer: Answer): void {
    const bytes = sizeOf(answer);
    const key = keyOf(agentId, seq);
    const known = this.#pending.get(key);
    if (bytes > answerBytesMax || (known === undefined && this.#pending.size >= requestsMax)) {
      return;
    }
    const pending = known ?? {
      ...{ agentId, seq, answers: [], bytes: 0 },
      dueMs: this.#port.nowMs() + paceMs.first,
    };
    if (pending.bytes + bytes > messageBytesMax) return;
    pending.answers.push(answer);
    pending.bytes += bytes;
    this.#pending.set(key, pending);
    this.#timer ??= setInterval(() => {
      this.turn();
    }, tickMs);
  }

  /** The Response is there: it says more. */
  ended(agentId: string, seq: number): void {
    this.#remove(keyOf(agentId, seq));
  }

  close(): void {
    this.#pending.clear();
    clearInterval(this.#timer);
  }

  /** Tells what is due. */
  turn(): void {
    const nowMs = this.#port.nowMs();
    for (const [key, pending] of this.#pending) {
      if (this.#sending >= sendingMax) return;
      if (pending.dueMs > nowMs) continue;
      if (pending.answers.length === 0) this.#remove(key);
      else this.#send(pending, nowMs);
    }
  }

  #send(pending: Pending, nowMs: number): void {
    const { agentId, seq, answers } = pending;
    pending.answers = [];
    pending.bytes = 0;
    pending.dueMs = nowMs + paceMs.between;
    this.#sending++;
    this.#port
      .send(agentId, { seq, answers })
      .then(
        () => this.told++,
        () => undefined,
      )
      .finally(() => this.#sending--);
  }

  #remove(key: string): void {
    this.#pending.delete(key);
    if (this.#pending.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function keyOf(agentId: string, seq: number): string {
  return `${agentId}/${seq}`;
}
