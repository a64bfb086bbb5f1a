/** The port that agents dial: TCP, TLS, HTTP upgrade, WebSocket; each with a limit for those who never get further. */
import { createServer, type IncomingMessage, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type ServerOptions as WsOptions, type WebSocket } from "ws";
import type { Log } from "../telemetry/log.ts";
import { createDecoder, encodeFrame } from "../wire/codec.ts";
import { agentPath, closeCodes, protocolVersion, subProtocol } from "../wire/limits.ts";
import { AgentSocket, type Farewell, type SocketListener } from "./agent-socket.ts";
import { HandshakeGate } from "./handshake-gate.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** TCP connections that have not become a WebSocket, and WebSockets that have said nothing. */
const waitingMax = 2_048;
/** Frames that may wait for a peer that does not read, as a multiple of the largest frame. */
const queuedFramesMax = 4;
/** How long a closing handshake may take. */
const closeTimeoutMs = 2_000;

export interface AgentServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly frameBytesMax: number;
  readonly handshakesMax: number;
  readonly handshakeTimeoutMs: number;
}

/** Whom the server tells what happens on its sockets. */
export type AgentServerListener = Omit<SocketListener, "mayStart"> & {
  /** A socket's time for its handshake is over. */
  onHandshakeTimeout(socket: AgentSocket): void;
  /** A handshake was put off: too many at once. */
  onBusy(): void;
};

/** `closeTimeout` is in ws 8.19 and newer, not yet in its published types. */
type WebSocketOptions = WsOptions & { readonly closeTimeout: number };

/** What the server remembers of a socket until its handshake is over. */
interface Opening {
  readonly timer: NodeJS.Timeout;
  giveBackSlot: (() => void) | undefined;
}

export class AgentServer {
  readonly #options: AgentServerOptions;
  readonly #log: Log;
  readonly #listener: AgentServerListener;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #gate: HandshakeGate;
  readonly #openings = new Map<AgentSocket, Opening>();
  readonly #sockets = new Set<AgentSocket>();
  readonly #silent: WaitingRoom<AgentSocket>;
  readonly #notUpgraded: WaitingRoom<Socket>;
  readonly #decode: ReturnType<typeof createDecoder>;

  constructor(options: AgentServerOptions, log: Log, listener: AgentServerListener) {
    this.#options = options;
    this.#log = log;
    this.#listener = listener;
    this.#gate = new HandshakeGate(options.handshakesMax);
    this.#decode = createDecoder({ bytesMax: options.frameBytesMax });
    this.#silent = new WaitingRoom(waitingMax, (socket) => {
      this.#refuseBusy(socket);
    });
    this.#notUpgraded = new WaitingRoom(waitingMax, (socket) => socket.destroy());
    const webSockets: WebSocketOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.frameBytesMax,
      closeTimeout: closeTimeoutMs,
      handleProtocols: () => subProtocol,
    };
    this.#webSockets = new WebSocketServer(webSockets);
    this.#http = this.#createHttp();
  }

  /** Sockets that have said nothing yet. */
  get opening(): number {
    return this.#silent.size;
  }

  /** Bytes that may wait for one agent before it counts as too slow. */
  get queueBytesMax(): number {
    return queuedFramesMax * this.#options.frameBytesMax;
  }

  /** Gives the port. */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(port, host, () => {
        this.#http.off("error", reject);
        this.#http.on("error", (error) => {
          this.#log.error({ err: error }, "the agents' port failed");
        });
        resolve();
      });
    });
    return (this.#http.address() as AddressInfo).port;
  }

  /** The gateway's part of a handshake is over: its slot is free again. */
  endHandshake(socket: AgentSocket): void {
    const opening = this.#openings.get(socket);
    opening?.giveBackSlot?.();
  }

  /** No new connections; those that are there are told to go elsewhere. */
  async close(why: string): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#http.close(() => {
        resolve();
      });
    });
    this.#notUpgraded.clear();
    for (const socket of this.#sockets) socket.end(closeCodes.goingAway, why);
    const last = setTimeout(() => {
      for (const socket of this.#sockets) socket.terminate();
      this.#http.closeAllConnections();
    }, closeTimeoutMs + 500);
    await closed;
    clearTimeout(last);
  }

  #createHttp(): Server {
    const { handshakeTimeoutMs, tls } = this.#options;
    const limits: ServerOptions = {
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, handshakeTimeoutMs),
      keepAliveTimeout: 1_000,
    };
    const http =
      tls === undefined
        ? createServer(limits)
        : createTlsServer({ ...limits, ...tls, handshakeTimeout: handshakeTimeoutMs });
    http.on("connection", (socket: Socket) => {
      this.#notUpgraded.enter(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => {
        this.#notUpgraded.leave(socket);
      });
    });
    http.on("request", (_request, response) => {
      response.writeHead(426, { "content-type": "text/plain", connection: "close" });
      response.end(
        `Agents connect here by WebSocket: ${agentPath}, sub-protocol ${subProtocol}.\n`,
      );
    });
    http.on("upgrade", (request, raw, head) => {
      this.#onUpgrade(request, raw, head);
    });
    return http;
  }

  #onUpgrade(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    this.#notUpgraded.leave(request.socket);
    raw.on("error", () => raw.destroy());
    const path = (request.url ?? "").split("?", 1)[0];
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
    if (path !== agentPath) {
      refuseUpgrade(raw, 404, `Agents connect to ${agentPath}.`);
    } else if (!offered.some((protocol) => protocol.trim() === subProtocol)) {
      refuseUpgrade(raw, 400, `Offer the sub-protocol ${subProtocol}.`);
    } else if (this.#gate.turnsAway()) {
      // In a storm most are put off: without a WebSocket that is less work for both sides.
      this.#listener.onBusy();
      putOffUpgrade(raw, this.#busy());
    } else {
      const peer = `${request.socket.remoteAddress ?? "?"}:${request.socket.remotePort ?? 0}`;
      this.#webSockets.handleUpgrade(request, raw, head, (ws) => {
        this.#onSocket(ws, raw, peer);
      });
    }
  }

  #onSocket(ws: WebSocket, raw: Duplex, peer: string): void {
    const socket = new AgentSocket({
      ws,
      raw,
      peer,
      log: this.#log,
      decode: this.#decode,
      queueBytesMax: this.queueBytesMax,
      listener: {
        mayStart: (started) => this.#mayStart(started),
        onFrame: (from, frame) => {
          this.#listener.onFrame(from, frame);
          if (from.state === "OPEN" && this.#openings.has(from)) this.#endOpening(from);
        },
        onOtherVersion: (from, error) => {
          this.#listener.onOtherVersion(from, error);
        },
        onClosed: (closed, end) => {
          this.#endOpening(closed);
          this.#silent.leave(closed);
          this.#sockets.delete(closed);
          this.#listener.onClosed(closed, end);
        },
      },
    });
    const timer = setTimeout(() => {
      this.#listener.onHandshakeTimeout(socket);
    }, this.#options.handshakeTimeoutMs);
    this.#openings.set(socket, { timer, giveBackSlot: undefined });
    this.#sockets.add(socket);
    this.#silent.enter(socket);
  }

  /** The first message of a socket: there has to be a slot for its handshake. */
  #mayStart(socket: AgentSocket): boolean {
    this.#silent.leave(socket);
    const opening = this.#openings.get(socket);
    const giveBackSlot = this.#gate.enter();
    if (opening === undefined || giveBackSlot === undefined) {
      this.#refuseBusy(socket);
      return false;
    }
    opening.giveBackSlot = giveBackSlot;
    return true;
  }

  #refuseBusy(socket: AgentSocket): void {
    this.#listener.onBusy();
    socket.end(closeCodes.busy, this.#busy());
  }

  #busy() {
    return {
      code: "BUSY",
      message: "Too many agents are connecting at once: come back later.",
      retryAfterMs: this.#gate.retryAfterMs(),
    };
  }

  #endOpening(socket: AgentSocket): void {
    const opening = this.#openings.get(socket);
    if (opening === undefined) return;
    this.#openings.delete(socket);
    clearTimeout(opening.timer);
    opening.giveBackSlot?.();
  }
}

function refuseUpgrade(raw: Duplex, status: 400 | 404, message: string): void {
  const reason = status === 404 ? "Not Found" : "Bad Request";
  answerUpgrade(raw, `${status} ${reason}`, { "content-type": "text/plain" }, message);
}

/** The body is the error frame that a WebSocket would have carried. */
function putOffUpgrade(raw: Duplex, busy: Farewell & { readonly retryAfterMs: number }): void {
  const headers = {
    "content-type": "application/json",
    "retry-after": String(Math.ceil(busy.retryAfterMs / 1_000)),
  };
  const body = encodeFrame({ v: protocolVersion, kind: "error", ...busy });
  answerUpgrade(raw, "503 Service Unavailable", headers, body);
}

function answerUpgrade(
  raw: Duplex,
  status: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  const lines = Object.entries({
    ...headers,
    connection: "close",
    "content-length": String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  // Nobody has an eye on the time of a socket that left the HTTP server: it is not left to the other side to end it.
  raw.end(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${body}`, () => raw.destroy());
}
