/** One WebSocket to a gateway. It knows text and closing, not frames. */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { rootCertificates } from "node:tls";
import { WebSocket } from "ws";
import { closeCodes, subProtocol } from "../wire/limits.ts";
import { TurnCork } from "../wire/turn-cork.ts";

/** How long a socket may take to open, and to close after this side asked. */
const openLimitMs = 10_000;
const closeLimitMs = 2_000;
/** What a WebSocket says of a socket that ended without a close frame. */
const droppedCode = 1006;
/** What a gateway answers instead of opening a WebSocket, when it is busy; and how long its answer may be. */
const busyStatus = 503;
const refusalCharsMax = 16_384;
/** Bytes that may wait for a gateway that does not read, in largest frames. */
const queuedFramesMax = 16;

/** How a link ended. */
export interface LinkEnd {
  readonly code: number;
  readonly why: string;
}

/** Whom a link tells. */
export interface LinkListener {
  onOpen(): void;
  onMessage(data: Buffer | string): void;
  /** Called once, also when the link never opened. */
  onClosed(end: LinkEnd): void;
}

/** A connection to a gateway. */
export interface Link {
  /** Bytes that the gateway has not taken yet. */
  readonly queuedBytes: number;
  /** Writes a text message; nothing happens when the link is over. `onWritten` is called in either case. */
  send(text: string, onWritten?: () => void): void;
  /** Closes it. `onClosed` follows at once, whatever the other side does. */
  close(code: number, why: string): void;
  /** Ends it without a word to the other side, as when the host loses its power. `onClosed` follows at once. */
  drop(why: string): void;
}

/** Opens a link to a WebSocket URL. */
export type Dial = (url: string, listener: LinkListener) => Link;

/** What dialling goes by. */
export interface DialOptions {
  readonly frameBytesMax: number;
  /** PEM file of a certificate authority to trust beside the system's. */
  readonly tlsCaFile?: string | undefined;
}

/** Makes links of `ws`. Reads the certificate file once. */
export function createDial({ frameBytesMax, tlsCaFile }: DialOptions): Dial {
  const ca =
    tlsCaFile === undefined ? undefined : [...rootCertificates, readFileSync(tlsCaFile, "utf8")];
  return (url, listener) => {
    const ws = new WebSocket(url, subProtocol, {
      perMessageDeflate: false,
      handshakeTimeout: openLimitMs,
      maxPayload: frameBytesMax,
      ...(ca !== undefined && { ca }),
    });
    return new WebSocketLink(ws, listener, queuedFramesMax * frameBytesMax);
  };
}

class WebSocketLink implements Link {
  readonly #ws: WebSocket;
  readonly #listener: LinkListener;
  readonly #queuedBytesMax: number;
  #cork: TurnCork | undefined;
  #over = false;
  #error: Error | undefined;

  constructor(ws: WebSocket, listener: LinkListener, queuedBytesMax: number) {
    this.#ws = ws;
    this.#listener = listener;
    this.#queuedBytesMax = queuedBytesMax;
    ws.on("upgrade", ({ socket }) => {
      this.#cork = new TurnCork(socket);
    });
    ws.on("unexpected-response", (_request, response) => {
      this.#onRefused(response);
    });
    ws.on("open", () => {
      if (!this.#over) listener.onOpen();
    });
    ws.on("message", (data, isBinary) => {
      if (this.#over) return;
      if (isBinary || !Buffer.isBuffer(data)) this.close(closeCodes.malformed, "binary message");
      else listener.onMessage(data);
    });
    ws.on("error", (error) => {
      this.#error = error;
    });
    ws.on("close", (code, reason) => {
      this.#end({ code, why: this.#error?.message ?? reason.toString("utf8") });
    });
  }

  get queuedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  send(text: string, onWritten?: () => void): void {
    if (this.#over || this.#ws.readyState !== WebSocket.OPEN) {
      onWritten?.();
      return;
    }
    if (this.queuedBytes > this.#queuedBytesMax) {
      this.close(closeCodes.tooSlow, "the gateway does not read");
      onWritten?.();
      return;
    }
    this.#cork?.untilNextTick();
    this.#ws.send(text, onWritten);
  }

  close(code: number, why: string): void {
    if (this.#over) return;
    this.#ws.close(code, why.replace(/[^\x20-\x7e]/g, "?").slice(0, 120));
    const timer = setTimeout(() => {
      this.#ws.terminate();
    }, closeLimitMs);
    this.#ws.once("close", () => {
      clearTimeout(timer);
    });
    this.#end({ code, why });
  }

  drop(why: string): void {
    if (this.#over) return;
    this.#ws.terminate();
    this.#end({ code: droppedCode, why });
  }

  /** No WebSocket. A gateway with too many agents that connect says so in an error frame as the body of its answer. */
  #onRefused(response: IncomingMessage): void {
    const { statusCode, headers } = response;
    const saysWhy = statusCode === busyStatus && headers["content-type"] === "application/json";
    let body = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      body += part;
      if (body.length > refusalCharsMax) response.destroy();
    });
    response.once("close", () => {
      if (this.#over) return;
      if (saysWhy && response.complete) this.#listener.onMessage(body);
      const why = `Unexpected server response: ${statusCode ?? "none"}`;
      this.#end({ code: saysWhy ? closeCodes.busy : droppedCode, why });
      this.#ws.terminate();
    });
    response.on("error", () => undefined);
  }

  #end(end: LinkEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.onClosed(end);
  }
}
