/** The WebSocket `/api/v1/socket`: accepts callers who prove themselves, and ends with the API. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { CommandSocket } from "./command-socket.ts";
import type { ApiParts } from "./parts.ts";
import type { ProblemCode } from "./problems.ts";
import { refuseRaw } from "./refuse-raw.ts";

/** Callers that do not answer for so long are gone. */
const heartbeatMs = 20_000;
const goingAway = 1001;
/** How long calls under way may take to be answered when the gateway stops. */
const lingerMs = 2_000;

/** One kind of caller: where they come in, and what they are served with. */
export interface Entry {
  readonly path: string;
  readonly parts: ApiParts;
  readonly messageBytesMax: number;
  /** Why a caller does not get in. */
  readonly refuse: (request: IncomingMessage) => [ProblemCode, string] | undefined;
}

export class CommandSockets {
  readonly #entries = new Map<string, Entry & { readonly server: WebSocketServer }>();
  readonly #sockets = new Map<WebSocket, CommandSocket>();
  #heartbeat: NodeJS.Timeout | undefined;
  #closing = false;
  /** Calls received, ever. */
  calls = 0;

  constructor(entries: readonly Entry[]) {
    for (const entry of entries) {
      const server = new WebSocketServer({
        noServer: true,
        clientTracking: false,
        perMessageDeflate: false,
        maxPayload: entry.messageBytesMax,
      });
      this.#entries.set(entry.path, { ...entry, server });
    }
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** Takes the upgrade requests of a server at the entries' paths; refuses all others. */
  attach(server: Server): void {
    server.on("upgrade", (request, raw, head) => {
      raw.on("error", () => undefined);
      const entry = this.#entries.get(request.url?.split("?")[0] ?? "");
      const refusal = this.#refusal(request, entry);
      if (entry === undefined || refusal !== undefined) {
        refuseRaw(raw, ...(refusal ?? nowhere));
        return;
      }
      entry.server.handleUpgrade(request, raw, head, (ws) => {
        this.#accept(ws, raw, entry.parts);
      });
    });
    this.#heartbeat = setInterval(() => {
      for (const socket of this.#sockets.values()) socket.heartbeat();
    }, heartbeatMs);
  }

  /** Says goodbye, lets open calls be answered for a moment, and drops what is left. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    const sockets = [...this.#sockets];
    const idle = Promise.all(sockets.map(([, socket]) => socket.drain()));
    const timeout = new AbortController();
    await Promise.race([idle, delay(lingerMs, timeout.signal)]);
    timeout.abort();
    const closed = sockets.map(([ws]) => new Promise((resolve) => ws.once("close", resolve)));
    for (const [ws] of sockets) ws.close(goingAway, "This gateway stops: connect to another one.");
    const terminate = setTimeout(() => {
      for (const [ws] of sockets) ws.terminate();
    }, lingerMs);
    await Promise.all(closed);
    clearTimeout(terminate);
  }

  #accept(ws: WebSocket, raw: Duplex, parts: ApiParts): void {
    const socket = new CommandSocket(ws, raw, parts, () => {
      this.calls++;
    });
    this.#sockets.set(ws, socket);
    ws.once("close", () => {
      this.#sockets.delete(ws);
      socket.onClose();
    });
  }

  #refusal(request: IncomingMessage, entry: Entry | undefined): [ProblemCode, string] | undefined {
    const [first] = this.#entries.values();
    // Who does not prove himself learns of no path.
    const refusal = (entry ?? first)?.refuse(request);
    if (refusal !== undefined) return refusal;
    if (entry === undefined) return nowhere;
    if (this.#closing) return ["NOT_READY", "This gateway stops: connect to another one."];
    return undefined;
  }
}

const nowhere: [ProblemCode, string] = ["ROUTE_UNKNOWN", "The socket is at /api/v1/socket."];

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
