/** A gateway's API in test code: the command socket and the lists, every reply under the test's control. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { AgentManager, type AgentManagerOptions } from "../../../src/client/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const token = "token-of-the-fake-gateway";

export interface SeenCommand {
  readonly type: string;
  readonly id: string;
  readonly [field: string]: unknown;
}
/** A call as it came over the socket. */
export interface SeenCall {
  readonly id: number;
  readonly method: string;
  readonly agentId: string;
  readonly commands: readonly SeenCommand[];
  readonly requestId?: string;
  readonly callId?: number;
  readonly reason?: string;
  readonly waitSeconds?: number;
  readonly onError?: string;
  readonly progress?: boolean;
}
export type Message = Readonly<Record<string, unknown>>;
/** What a gateway says to a call: messages without their id; undefined says nothing. */
export type Script = (call: SeenCall) => Message | undefined;

/** What a gateway takes by default, as MUSTER_FRAME_BYTES_MAX. */
const messageBytesMax = 1024 * 1024;

/** The Answers of a resource that succeeds in everything. */
export function succeeding(call: SeenCall): readonly Message[] {
  return call.commands.map(({ type, id }) => ({
    type: `${type}Answer`,
    commandId: id,
    result: true,
  }));
}

export class FakeGateway {
  readonly port: number;
  readonly #http: Server;
  readonly #sockets = new Set<WebSocket>();
  readonly #asker = new Map<SeenCall, WebSocket>();
  readonly calls: SeenCall[] = [];
  /** Paths and queries of the HTTP requests. */
  readonly requests: string[] = [];
  script: Script = (call) => ({ answers: succeeding(call) });
  /** Replies to HTTP requests by their path behind /api/v1/. */
  http: (path: string, query: URLSearchParams) => { status?: number; body: unknown } | undefined =
    () => undefined;
  /** Connections so far. */
  connections = 0;
  /** Keeps calls; without, a long test does not grow. */
  keepsCalls = true;

  private constructor(http: Server) {
    this.#http = http;
    this.port = (http.address() as AddressInfo).port;
    http.on("request", (request, response) => {
      this.#onRequest(request, response);
    });
    const server = new WebSocketServer({
      server: http,
      path: "/api/v1/socket",
      maxPayload: messageBytesMax,
    });
    server.on("connection", (socket) => {
      this.#onConnection(socket);
    });
  }

  static async start(port = 0): Promise<FakeGateway> {
    const http = createServer();
    http.listen(port, "127.0.0.1");
    await once(http, "listening");
    return new FakeGateway(http);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The nth call of a method, from 0, once it is here. */
  async call(method: string, index = 0): Promise<SeenCall> {
    return await waitUntil(`call ${index} of ${method}`, () => this.callsOf(method)[index]);
  }

  callsOf(method: string): readonly SeenCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** Says something to a call on the connection that it came by. */
  reply(call: SeenCall, message: Message): void {
    this.#asker.get(call)?.send(JSON.stringify({ id: call.id, ...message }));
  }

  refuse(call: SeenCall, code: string, more: Message = {}): void {
    this.reply(call, { problem: { code, detail: `refused by the test: ${code}`, ...more } });
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#http.closeAllConnections();
    if (!this.#http.listening) return;
    this.#http.close();
    await once(this.#http, "close");
  }

  #onConnection(socket: WebSocket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("message", (data: Buffer) => {
      const call = JSON.parse(data.toString("utf8")) as SeenCall;
      if (this.keepsCalls) {
        this.calls.push(call);
        this.#asker.set(call, socket);
      }
      const message = this.script(call);
      if (message !== undefined) socket.send(JSON.stringify({ id: call.id, ...message }));
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", this.url);
    this.requests.push(`${url.pathname}${url.search}`);
    const isKnown = request.headers.authorization === `Bearer ${token}`;
    const reply = isKnown
      ? this.http(url.pathname.replace("/api/v1/", ""), url.searchParams)
      : { status: 401, body: { code: "UNAUTHENTICATED", detail: "no such token" } };
    response.statusCode = reply?.status ?? (reply === undefined ? 404 : 200);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(reply?.body ?? { code: "ROUTE_UNKNOWN", detail: "nothing here" }));
  }
}

/** Gateways and AgentManagers of a test file, closed after each test. */
export function useFakes() {
  const closes: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closes.splice(0).reverse()) await close();
  });
  return {
    startGateway: async (port?: number): Promise<FakeGateway> => {
      const gateway = await FakeGateway.start(port);
      closes.push(() => gateway.stop());
      return gateway;
    },
    manager: (
      urls: readonly FakeGateway[] | string,
      options: Partial<AgentManagerOptions> = {},
    ): AgentManager => {
      const url = typeof urls === "string" ? urls : urls.map((gateway) => gateway.url);
      const manager = new AgentManager({ url, token, ...options });
      closes.push(() => manager.close());
      return manager;
    },
    closing: (close: () => Promise<void>) => {
      closes.push(close);
    },
  };
}
