/** A gateway in test code: as much of the protocol as an agent needs, every step under the test's control. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocketServer, type WebSocket } from "ws";
import type { Answer, StartupAnswer, WireCommand } from "../../../src/api/index.ts";
import {
  agentPath,
  createDecoder,
  encodeFrame,
  frameBytesMax,
  subProtocol,
  type Frame,
  type ProgressFrame,
  type RequestFrame,
  type ResponseFrame,
} from "../../../src/wire/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

export interface FakeGatewayOptions {
  readonly pingIntervalMs?: number;
  /** The StartupAnswer is made of this; `result: false` refuses. Called for each hello. */
  readonly admit?: (hello: RequestFrame) => Partial<StartupAnswer>;
  /** Gateways to name in the StartupAnswer. */
  readonly gateways?: readonly string[];
  /** Gateways to name in PingAnswers from now on. */
  readonly gatewaysOfPings?: () => readonly string[];
  readonly answerPings?: boolean;
  /** What the manager answers to a Command of the agent's resources; null: nothing. Absent: that it was heard. */
  readonly answer?: (command: WireCommand) => Readonly<Record<string, unknown>> | null;
  /** Makes it `wss`. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export class FakeGateway {
  readonly sessions: FakeSession[] = [];
  readonly #http: Server;
  readonly #server: WebSocketServer;
  readonly options: FakeGatewayOptions;
  epoch = 0;

  private constructor(http: Server, server: WebSocketServer, options: FakeGatewayOptions) {
    this.#http = http;
    this.#server = server;
    this.options = options;
    server.on("connection", (ws) => {
      this.sessions.push(new FakeSession(this, ws));
    });
  }

  static async start(options: FakeGatewayOptions = {}, port = 0): Promise<FakeGateway> {
    const http = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    const server = new WebSocketServer({
      server: http,
      path: agentPath,
      handleProtocols: (offered) => (offered.has(subProtocol) ? subProtocol : false),
    });
    http.listen(port, "127.0.0.1");
    await once(http, "listening");
    return new FakeGateway(http, server, options);
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.options.tls === undefined ? "ws" : "wss"}://127.0.0.1:${this.port}`;
  }

  /** The nth session, from 0, once it is open. */
  session(index = 0): Promise<FakeSession> {
    return waitUntil(`session ${index} is open`, () => {
      const session = this.sessions[index];
      return session?.isOpen === true ? session : undefined;
    });
  }

  async stop(): Promise<void> {
    for (const { ws } of this.sessions) ws.terminate();
    this.#server.close();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }
}

export class FakeSession {
  readonly gateway: FakeGateway;
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<number>;
  hello: RequestFrame | undefined;
  isOpen = false;
  #seq = 0;
  readonly #decode = createDecoder({ bytesMax: frameBytesMax });

  constructor(gateway: FakeGateway, ws: WebSocket) {
    this.gateway = gateway;
    this.ws = ws;
    this.closed = new Promise((resolve) => {
      ws.on("close", resolve);
    });
    ws.on("message", (data: Buffer) => {
      this.#onFrame(this.#decode(data));
    });
  }

  send(frame: Frame): void {
    this.ws.send(encodeFrame(frame));
  }

  /** Gives the agent a durable Request of one or several Commands. */
  durable(seq: number, commands: readonly WireCommand[], more: Partial<RequestFrame> = {}): void {
    this.send({ v: 1, kind: "request", seq, lane: "durable", commands, waitMs: 60_000, ...more });
  }

  direct(seq: number, commands: readonly WireCommand[], more: Partial<RequestFrame> = {}): void {
    this.send({ v: 1, kind: "request", seq, lane: "direct", commands, ...more });
  }

  /** Gives the agent a Command of the link itself; its Answer. */
  async command(command: WireCommand): Promise<Answer> {
    const seq = ++this.#seq;
    this.send({ v: 1, kind: "request", seq, lane: "session", commands: [command] });
    const [answer] = await this.answers("session", seq);
    if (answer === undefined) throw new Error("An empty Response.");
    return answer;
  }

  ack(seq: number, commandIds: readonly string[]): void {
    this.send({ v: 1, kind: "ack", seq, commandIds });
  }

  /** The Answers to a Request, once they are here. */
  async answers(lane: ResponseFrame["lane"], seq: number): Promise<readonly Answer[]> {
    const response = await waitUntil(
      `the Answers to ${lane} ${seq}`,
      () => this.responses(lane, seq)[0],
    );
    return response.answers;
  }

  responses(lane: ResponseFrame["lane"], seq: number): readonly ResponseFrame[] {
    return this.frames.filter(
      (frame): frame is ResponseFrame =>
        frame.kind === "response" && frame.lane === lane && frame.seq === seq,
    );
  }

  /** What the agent told while a Request went on. */
  progress(lane: ProgressFrame["lane"], seq: number): readonly ProgressFrame[] {
    return this.frames.filter(
      (frame): frame is ProgressFrame =>
        frame.kind === "progress" && frame.lane === lane && frame.seq === seq,
    );
  }

  requests(type: string): readonly WireCommand[] {
    return this.frames
      .flatMap((frame) => (frame.kind === "request" ? frame.commands : []))
      .filter((command) => command.type === type);
  }

  #onFrame(frame: Frame): void {
    this.frames.push(frame);
    if (frame.kind === "request" && frame.hello !== undefined) this.#onHello(frame);
    else if (frame.kind === "request") this.#onRequest(frame);
    else if (frame.kind === "response" && frame.answers[0]?.type === "ReadyAnswer") {
      this.isOpen = true;
    }
  }

  #onHello(frame: RequestFrame): void {
    this.hello = frame;
    const { admit, pingIntervalMs = 60_000, gateways } = this.gateway.options;
    const decision = admit?.(frame) ?? {};
    const refused = decision.result === false;
    const epoch = refused ? undefined : ++this.gateway.epoch;
    const answers = frame.commands.map(({ id }) => ({
      type: "StartupAnswer",
      commandId: id,
      result: true,
      ...(epoch !== undefined && { epoch, pingIntervalMs }),
      ...(gateways !== undefined && { gateways }),
      ...decision,
    }));
    this.send({ v: 1, kind: "response", seq: frame.seq, lane: "session", answers });
    if (epoch === undefined) {
      this.ws.close(4403, "refused");
      return;
    }
    const commands = [{ type: "Ready", id: "ready", epoch }];
    this.send({ v: 1, kind: "request", seq: ++this.#seq, lane: "session", commands });
  }

  #onRequest(frame: RequestFrame): void {
    const { answerPings } = this.gateway.options;
    const [command] = frame.commands;
    if (command === undefined || (command.type === "Ping" && answerPings === false)) return;
    const own = command.type === "Ping" ? this.#pingAnswer() : this.#ownAnswer(command);
    if (own === null) return;
    const answers = [
      { type: `${command.type}Answer`, commandId: command.id, result: true, ...own },
    ];
    this.send({ v: 1, kind: "response", seq: frame.seq, lane: "session", answers });
  }

  #pingAnswer(): Readonly<Record<string, unknown>> {
    const gateways = this.gateway.options.gatewaysOfPings?.();
    return { ...(gateways !== undefined && { gateways }) };
  }

  #ownAnswer(command: WireCommand): Readonly<Record<string, unknown>> | null | undefined {
    return command.type === "Shutdown" ? undefined : this.gateway.options.answer?.(command);
  }
}

/** A directory for one test, removed by the function. */
export function temporaryHome(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "muster-agent-"));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
