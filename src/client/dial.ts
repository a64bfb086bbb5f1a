import { rootCertificates } from "node:tls";
import { WebSocket } from "ws";
import { TurnCork } from "../wire/turn-cork.ts";

export interface DialOptions {
  /** Operator API of a gateway: http(s)://host:port. */
  readonly url: string;
  readonly token: string;
  /** PEM of a certificate authority to trust beside the system's. */
  readonly ca?: string | Buffer | undefined;
  /** How long it may take until the socket is open. */
  readonly withinMs: number;
}

/** A gateway answered, but not by opening a socket. Final: trying again does not help. */
export class DialRefusedError extends Error {
  readonly code: "UNAUTHENTICATED" | "REFUSED";
  readonly isFinal: boolean;
  constructor(status: number | undefined, url: string) {
    const isFinal = status === 401;
    super(
      isFinal
        ? `${url} does not know the token: give the value of MUSTER_API_TOKEN.`
        : `${url} answered with HTTP ${status ?? "?"} instead of opening a socket.`,
    );
    this.name = "DialRefusedError";
    this.code = isFinal ? "UNAUTHENTICATED" : "REFUSED";
    this.isFinal = isFinal;
  }
}

/** Answers are as large as agents make them: twice the largest frame by default. */
const messageBytesMax = 128 * 1024 * 1024;

/**
 * Opens a command socket; `opened` gives the function that writes to it. It rejects with a DialRefusedError, or the
 * network's error.
 */
export function dial({ url, token, ca, withinMs }: DialOptions): {
  readonly socket: WebSocket;
  readonly opened: Promise<(text: string) => void>;
} {
  const socket = new WebSocket(socketUrl(url), {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
    handshakeTimeout: withinMs,
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
  });
  let write: (text: string) => void = (text) => {
    socket.send(text);
  };
  socket.once("upgrade", (response) => {
    const cork = new TurnCork(response.socket);
    write = (text) => {
      cork.untilNextTick();
      socket.send(text);
    };
  });
  const opened = new Promise<(text: string) => void>((resolve, reject) => {
    socket.once("open", () => {
      resolve(write);
    });
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      reject(new DialRefusedError(response.statusCode, url));
      socket.terminate();
    });
    // It stays: an error after the opening comes before a close, which says the rest.
    socket.on("error", reject);
    socket.once("close", () => {
      reject(new Error(`${url} closed the connection.`));
    });
  });
  return { socket, opened };
}

function socketUrl(url: string): string {
  return `${url.replace(/^http/, "ws").replace(/\/+$/, "")}/api/v1/socket`;
}
