/** One agent's socket: its machine, its decoder, its bounded queue. It knows frames, not what they are for. */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { Log } from "../telemetry/log.ts";
import { encodeFrame } from "../wire/codec.ts";
import { MalformedFrameError, UnsupportedVersionError } from "../wire/errors.ts";
import type { ErrorFrame, Frame } from "../wire/frames.ts";
import { closeCodes } from "../wire/limits.ts";
import { TurnCork } from "../wire/turn-cork.ts";
import { nextSocketState, type SocketEvent, type SocketState } from "./socket-state.ts";

/** How a socket ended. */
export interface SocketEnd {
  readonly code: number;
  readonly why: string;
  /** The other side closed it, or the network did. */
  readonly byPeer: boolean;
}

/** Whom the socket tells. */
export interface SocketListener {
  /** The first message of a socket is here, not yet looked at; false: the listener has ended the socket. */
  mayStart(socket: AgentSocket): boolean;
  onFrame(socket: AgentSocket, frame: Frame): void;
  /** The first message is of another version of the protocol: the listener refuses the agent. */
  onOtherVersion(socket: AgentSocket, error: UnsupportedVersionError): void;
  /** Called once, when the socket counts as over. */
  onClosed(socket: AgentSocket, end: SocketEnd): void;
}

/** What an end says to the agent before the socket closes. */
export type Farewell = Omit<ErrorFrame, "v" | "kind">;

export class AgentSocket {
  /** Address of the other side, for the log. */
  readonly peer: string;
  readonly #ws: WebSocket;
  readonly #cork: TurnCork;
  readonly #log: Log;
  readonly #listener: SocketListener;
  readonly #decode: (data: Buffer | string) => Frame;
  readonly #queueBytesMax: number;
  #state: SocketState = "OPENING";

  constructor(parts: {
    ws: WebSocket;
    raw: Duplex;
    peer: string;
    log: Log;
    decode: (data: Buffer | string) => Frame;
    queueBytesMax: number;
    listener: SocketListener;
  }) {
    this.#ws = parts.ws;
    this.#cork = new TurnCork(parts.raw);
    this.peer = parts.peer;
    this.#log = parts.log;
    this.#listener = parts.listener;
    this.#decode = parts.decode;
    this.#queueBytesMax = parts.queueBytesMax;
    this.#ws.on("message", (data, isBinary) => {
      this.#onMessage(data, isBinary);
    });
    this.#ws.on("error", (error) => {
      this.#onError(error);
    });
    this.#ws.on("close", (code, reason) => {
      this.#close({ code, why: reason.toString("utf8"), byPeer: true });
    });
  }

  get state(): SocketState {
    return this.#state;
  }

  /** Bytes that the peer has not taken yet. */
  get queuedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  /** The one gate of the machine. False when the socket is closed already. */
  change(event: SocketEvent, why: string): boolean {
    const before = this.#state;
    if (before === "CLOSED") return false;
    const after = nextSocketState(before, event);
    if (after === undefined) {
      throw new Error(`An agent's socket can't take "${event}" while ${before} (${why}).`);
    }
    this.#state = after;
    this.#log.debug({ peer: this.peer, before, after, why }, "socket");
    return true;
  }

  /**
   * Writes a frame. False: certainly not written, the socket is over (also because the peer has not read for too long).
   */
  send(frame: Frame): boolean {
    if (this.#state === "CLOSED" || this.#ws.readyState !== this.#ws.OPEN) return false;
    if (this.#ws.bufferedAmount > this.#queueBytesMax) {
      this.end(closeCodes.tooSlow, {
        code: "TOO_SLOW",
        message: `More than ${this.#queueBytesMax} bytes wait to be read.`,
      });
      return false;
    }
    this.#cork.untilNextTick();
    this.#ws.send(encodeFrame(frame));
    return true;
  }

  /** Ends the socket from this side: an error frame when there is something to say, then the close code. */
  end(code: number, farewell: Farewell | string): void {
    if (this.#state === "CLOSED") return;
    const why = typeof farewell === "string" ? farewell : farewell.message;
    if (typeof farewell !== "string" && code !== closeCodes.tooSlow && this.#isWritable()) {
      this.#ws.send(encodeFrame({ v: 1, kind: "error", ...farewell }));
    }
    this.#ws.close(code, closeReason(why));
    this.#close({ code, why, byPeer: false });
  }

  /** Drops the connection without a closing handshake; for sockets that still linger when the gateway stops. */
  terminate(): void {
    this.#ws.terminate();
  }

  #isWritable(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  /** Asked anew: the compiler believes that the state does not change while a message is looked at. */
  get #isOpening(): boolean {
    return this.#state === "OPENING";
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#state === "CLOSED") return;
    if (this.#isOpening && !this.#listener.mayStart(this)) return;
    try {
      if (isBinary || !Buffer.isBuffer(data)) {
        throw new MalformedFrameError("NOT_JSON", "The message is binary: send text messages.");
      }
      this.#listener.onFrame(this, this.#decode(data));
    } catch (error) {
      if (error instanceof UnsupportedVersionError && this.#isOpening) {
        this.#listener.onOtherVersion(this, error);
      } else this.#onRubbish(error);
    }
  }

  #onRubbish(error: unknown): void {
    if (error instanceof MalformedFrameError) {
      const code = error.code === "TOO_LARGE" ? closeCodes.tooLarge : closeCodes.malformed;
      this.end(code, { code: error.code, message: error.message });
      return;
    }
    this.#log.error({ err: error, peer: this.peer }, "a frame could not be handled");
    this.end(closeCodes.unavailable, { code: "INTERNAL", message: "The frame broke the gateway." });
  }

  #onError(error: Error): void {
    // ws closes by itself after an error: 1009 for an oversize message, 1002 or 1007 for a broken one.
    const tooLarge = "code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    this.#close({
      code: tooLarge ? closeCodes.tooLarge : 1002,
      why: error.message,
      byPeer: true,
    });
  }

  #close(end: SocketEnd): void {
    const before = this.#state;
    if (!this.change("closed", end.why)) return;
    this.#log.info(
      { peer: this.peer, before, code: end.code, why: end.why, byPeer: end.byPeer },
      "socket closed",
    );
    this.#listener.onClosed(this, end);
  }
}

/** A close reason may have 123 bytes. */
function closeReason(why: string): string {
  return Buffer.byteLength(why) <= 123
    ? why
    : `${why.replace(/[^\x20-\x7e]/g, "?").slice(0, 120)}...`;
}
