/** One session with one gateway: dial, hello, ready, frames, end (states: session-state.ts). */
import type { Answer, StartupAnswer, WireCommand } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import { createDecoder, encodeFrame } from "../wire/codec.ts";
import { MalformedFrameError } from "../wire/errors.ts";
import type {
  ErrorFrame,
  Frame,
  HelloFields,
  RequestFrame,
  ResponseFrame,
} from "../wire/frames.ts";
import { closeCodes } from "../wire/limits.ts";
import type { Dial, Link, LinkEnd } from "./link.ts";
import { readReady, readStartupAnswer } from "./session-commands.ts";
import { sessionOutcome, type SessionEnd } from "./session-end.ts";
import { mayChange, type SessionState } from "./session-state.ts";

/** From dialling to Ready. Longer than the gateway's own limit, so that its refusal arrives. */
const handshakeLimitMs = 30_000;

/** Whom a session tells. */
export interface SessionListener {
  /** Admitted and ready: Commands may come from now on. */
  onOpen(session: Session, admitted: StartupAnswer): void;
  /** A Request on an open session. */
  onRequest(session: Session, frame: RequestFrame): void;
  /** The manager has these Answers. */
  onAck(seq: number, commandIds: readonly string[]): void;
}

/** What a session is made of. */
export interface SessionParts {
  readonly url: string;
  readonly dial: Dial;
  readonly hello: HelloFields;
  readonly startups: readonly WireCommand[];
  readonly listener: SessionListener;
  readonly frameBytesMax: number;
  readonly log: Log;
}

export class Session {
  /** Resolves when the session is over. */
  readonly ended: Promise<SessionEnd>;
  /** Resolves when it is open; never, when it does not get so far. */
  readonly opened: Promise<undefined>;
  readonly #parts: SessionParts;
  readonly #decode: (data: Buffer | string) => Frame;
  readonly #link: Link;
  readonly #handshakeTimer: NodeJS.Timeout;
  /** Session Requests of this side that wait for their Response. */
  readonly #asked = new Map<number, (answers: readonly Answer[]) => void>();
  #resolveEnded: (end: SessionEnd) => void = () => undefined;
  #resolveOpened: (nothing: undefined) => void = () => undefined;
  #state: SessionState = "dialing";
  #seq = 0;
  #admitted: StartupAnswer | undefined;
  #farewell: ErrorFrame | undefined;
  #refusal: StartupAnswer | undefined;
  #openedAtMs = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#decode = createDecoder({ bytesMax: parts.frameBytesMax });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.opened = new Promise((resolve) => {
      this.#resolveOpened = resolve;
    });
    this.#handshakeTimer = setTimeout(() => {
      this.close(closeCodes.handshakeTimeout, "the handshake took too long");
    }, handshakeLimitMs);
    this.#link = parts.dial(parts.url, {
      onOpen: () => {
        this.#greet();
      },
      onMessage: (data) => {
        this.#onMessage(data);
      },
      onClosed: (end) => {
        this.#onClosed(end);
      },
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Number of the session, once it is admitted. */
  get epoch(): number | undefined {
    return this.#admitted?.epoch;
  }

  get url(): string {
    return this.#parts.url;
  }

  /** Largest frame in bytes. */
  get frameBytesMax(): number {
    return this.#parts.frameBytesMax;
  }

  /** Writes a frame's text; nothing happens when the session is not open. `onWritten` is called in either case. */
  send(text: string, onWritten?: () => void): void {
    if (this.#state === "open" || this.#state === "leaving") this.#link.send(text, onWritten);
    else onWritten?.();
  }

  /** Writes a frame that may be lost: not while a largest frame waits to be read. */
  sendIfQuick(text: string): void {
    if (this.#link.queuedBytes <= this.frameBytesMax) this.send(text);
  }

  /** Answers a session Command of the manager. */
  answer(frame: RequestFrame, answers: readonly Answer[]): void {
    this.#link.send(
      encodeFrame({ v: 1, kind: "response", seq: frame.seq, lane: "session", answers }),
    );
  }

  /**
   * Sends a session Command; `onAnswers` is called when its Response comes.
   * @returns a function that makes the Response no longer waited for.
   */
  ask(command: WireCommand, onAnswers: (answers: readonly Answer[]) => void): () => void {
    const seq = ++this.#seq;
    this.#asked.set(seq, onAnswers);
    this.#link.send(
      encodeFrame({ v: 1, kind: "request", seq, lane: "session", commands: [command] }),
    );
    return () => this.#asked.delete(seq);
  }

  /** The agent stops: no new work is taken up. */
  leave(): void {
    this.#change("leaving", "the agent stops");
  }

  /** Ends the session from this side. */
  close(code: number, why: string): void {
    this.#link.close(code, why);
  }

  /** The one gate of the machine. */
  #change(to: SessionState, why: string): void {
    const from = this.#state;
    if (!mayChange(from, to)) {
      throw new Error(`A session can't go from ${from} to ${to} (${why}).`);
    }
    this.#state = to;
    this.#parts.log.debug({ gateway: this.#parts.url, from, to, why }, "session");
  }

  #greet(): void {
    const { hello, startups } = this.#parts;
    this.#change("greeting", "the socket is open");
    const seq = ++this.#seq;
    this.#link.send(
      encodeFrame({ v: 1, kind: "request", seq, lane: "session", commands: startups, hello }),
    );
  }

  #onMessage(data: Buffer | string): void {
    try {
      this.#onFrame(this.#decode(data));
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error;
      this.#parts.log.error({ err: error }, "the gateway broke the protocol");
      this.close(closeCodes.malformed, error.message);
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.kind) {
      case "request":
        if (this.#state === "awaitingReady") this.#onReady(frame);
        else if (this.#state === "open") this.#parts.listener.onRequest(this, frame);
        else if (this.#state !== "leaving") throw tooEarly("A Request");
        return;
      case "response":
        if (this.#state === "greeting") this.#onStartupAnswers(frame);
        else if (frame.lane === "session") this.#onResponse(frame);
        return;
      case "progress":
        // Only agents tell of progress; nothing is harmed.
        return;
      case "ack":
        this.#parts.listener.onAck(frame.seq, frame.commandIds);
        return;
      case "error":
        this.#farewell = frame;
        // Why an agent does not get in is logged by whoever dials: once, not at each try.
        this.#parts.log[this.#state === "open" ? "warn" : "debug"](
          { code: frame.code, message: frame.message },
          "error frame",
        );
        return;
    }
  }

  #onStartupAnswers(frame: ResponseFrame): void {
    const answers = frame.answers.map(readStartupAnswer);
    const refusal = answers.find(({ result }) => !result);
    if (refusal !== undefined) {
      // The gateway closes; the agent does too, for one that does not.
      this.#refusal = refusal;
      this.close(closeCodes.normal, "refused");
      return;
    }
    const admitted = answers.find(({ epoch }) => epoch !== undefined);
    if (admitted === undefined) {
      throw new MalformedFrameError("WRONG_SHAPE", "No StartupAnswer carries an epoch.");
    }
    this.#admitted = admitted;
    this.#change("awaitingReady", "admitted");
  }

  #onReady(frame: RequestFrame): void {
    const [first] = frame.commands;
    if (frame.lane !== "session" || first?.type !== "Ready") throw tooEarly("Anything but Ready");
    const ready = readReady(first);
    const admitted = this.#admitted;
    if (admitted === undefined || ready.epoch !== admitted.epoch) {
      throw new MalformedFrameError("WRONG_SHAPE", "Ready names another epoch than StartupAnswer.");
    }
    this.answer(frame, [{ type: "ReadyAnswer", commandId: ready.id, result: true }]);
    clearTimeout(this.#handshakeTimer);
    this.#openedAtMs = performance.now();
    this.#change("open", `epoch ${ready.epoch}`);
    this.#parts.listener.onOpen(this, admitted);
    this.#resolveOpened(undefined);
  }

  #onResponse(frame: ResponseFrame): void {
    const onAnswers = this.#asked.get(frame.seq);
    this.#asked.delete(frame.seq);
    onAnswers?.(frame.answers);
  }

  #onClosed(end: LinkEnd): void {
    clearTimeout(this.#handshakeTimer);
    const wasOpen = this.#state === "open" || this.#state === "leaving";
    this.#change("closed", end.why);
    this.#asked.clear();
    this.#resolveEnded(
      sessionOutcome({
        ...end,
        wasOpen,
        openForMs: wasOpen ? performance.now() - this.#openedAtMs : 0,
        farewell: this.#farewell,
        refusal: this.#refusal,
      }),
    );
  }
}

function tooEarly(what: string): MalformedFrameError {
  return new MalformedFrameError("WRONG_SHAPE", `${what} came before the handshake was over.`);
}
