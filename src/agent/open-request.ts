/**
 * A Request that the agent has taken up and not answered. It is over early when its wait ends or it is cancelled: what
 * has not started by then is not started, what runs gets its signal aborted.
 */
import { encodeProgress } from "../wire/codec.ts";
import type { RequestFrame } from "../wire/frames.ts";

/** The longest delay of a timer in Node. */
export const timerMsMax = 2_147_483_647;

/** The session by which a Request came. */
export interface RequestOrigin {
  /** Writes a frame's text; nothing happens when the session is over. */
  send(text: string): void;
  /** Writes a frame that may be lost: not while the gateway is slow to read. */
  sendIfQuick(text: string): void;
}

/** Why a Request is over early. Reaches resources as the reason of their AbortSignal. */
export class RequestOverError extends Error {
  readonly code:
    | "WAIT_OVER"
    | "CANCELLED"
    | "AGENT_BUSY"
    | "AGENT_STOPS"
    | "SESSION_LOST"
    | "DUPLICATE_COMMAND_ID";
  constructor(code: RequestOverError["code"], message: string) {
    super(message);
    this.name = "RequestOverError";
    this.code = code;
  }
}

export class OpenRequest {
  readonly frame: RequestFrame;
  readonly ids: readonly string[];
  readonly #deadlineMs: number;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #answers: string[] = [];
  readonly #onOver: (() => void)[] = [];
  #over: RequestOverError | undefined;
  #controller: AbortController | undefined;
  #watcher: RequestOrigin | undefined;

  /**
   * @param waitMs how long the caller waits from now on.
   * @param onOver called when it is over early, later than here.
   */
  constructor(frame: RequestFrame, waitMs: number, onOver: () => void) {
    this.frame = frame;
    this.ids = frame.commands.map(({ id }) => id);
    this.#deadlineMs = performance.now() + waitMs;
    const waitOver = () => {
      this.end(new RequestOverError("WAIT_OVER", "The caller's wait was over"));
    };
    if (waitMs <= 0) waitOver();
    else this.#timer = setTimeout(waitOver, Math.min(waitMs, timerMsMax));
    this.#onOver.push(onOver);
  }

  get seq(): number {
    return this.frame.seq;
  }

  /** Aborted when it is over early. Made for whoever asks: most Commands are answered before anybody does. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#over !== undefined) this.#controller.abort(this.#over);
    }
    return this.#controller.signal;
  }

  /** Why it is over early; undefined while it is not. */
  get over(): RequestOverError | undefined {
    return this.#over;
  }

  /** Calls back when it is over early, at once when it is. Gives a function that forgets the callback. */
  whenOver(listener: () => void): () => void {
    if (this.#over !== undefined) listener();
    else this.#onOver.push(listener);
    return () => {
      const at = this.#onOver.indexOf(listener);
      if (at >= 0) this.#onOver.splice(at, 1);
    };
  }

  /** How long the caller still waits, in milliseconds. */
  get waitMs(): number {
    return Math.max(0, this.#deadlineMs - performance.now());
  }

  /** The Answers so far as JSON text, in the order of the Commands. */
  get answers(): readonly string[] {
    return this.#answers;
  }

  /** A Command got its Answer, as JSON text; whoever watches hears of it, unless the Response says it at once. */
  answered(answer: string): void {
    const index = this.#answers.push(answer) - 1;
    this.#tell(index, answer);
  }

  /** Tells the session by which it came of each Answer, beginning with those that are there. The newest session counts. */
  watchedBy(origin: RequestOrigin): void {
    this.#watcher = origin;
    for (const [index, answer] of this.#answers.entries()) this.#tell(index, answer);
  }

  /** Ends it early. */
  end(reason: RequestOverError): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#controller?.abort(reason);
    for (const listener of this.#onOver.splice(0)) listener();
  }

  /** It is answered: its wait no longer matters. */
  settled(): void {
    clearTimeout(this.#timer);
  }

  #tell(index: number, answer: string): void {
    if (index === this.ids.length - 1) return;
    this.#watcher?.sendIfQuick(encodeProgress(this.seq, this.frame.lane, index, answer));
  }
}
