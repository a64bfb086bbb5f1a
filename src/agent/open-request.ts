/**
 * A Request that the agent has taken up and not answered. It is over early when its wait ends or it is cancelled: what
 * has not started by then is not started, what runs gets its signal aborted.
 */
import type { RequestFrame } from "../wire/frames.ts";

/** The longest delay of a timer in Node. */
const timerMsMax = 2_147_483_647;

/** Why a Request is over early. Reaches resources as the reason of their AbortSignal. */
export class RequestOverError extends Error {
  readonly code: "WAIT_OVER" | "CANCELLED" | "AGENT_BUSY" | "AGENT_STOPS";
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
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  /**
   * @param waitMs how long the caller waits from now on.
   * @param onOver called when it is over early.
   */
  constructor(frame: RequestFrame, waitMs: number, onOver: () => void) {
    this.frame = frame;
    this.ids = frame.commands.map(({ id }) => id);
    this.#deadlineMs = performance.now() + waitMs;
    this.#controller.signal.addEventListener("abort", onOver, { once: true });
    this.#timer = setTimeout(
      () => {
        this.end(new RequestOverError("WAIT_OVER", "The caller's wait was over"));
      },
      Math.min(waitMs, timerMsMax),
    );
  }

  get seq(): number {
    return this.frame.seq;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it is over early; undefined while it is not. */
  get over(): RequestOverError | undefined {
    return this.signal.aborted ? (this.signal.reason as RequestOverError) : undefined;
  }

  /** How long the caller still waits, in milliseconds. */
  get waitMs(): number {
    return Math.max(0, this.#deadlineMs - performance.now());
  }

  /** Ends it early. */
  end(reason: RequestOverError): void {
    this.#controller.abort(reason);
  }

  /** It is answered: its wait no longer matters. */
  settled(): void {
    clearTimeout(this.#timer);
  }
}
