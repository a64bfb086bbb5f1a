/** An agent written from the frames alone: no code of src/agent. */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import WebSocket from "ws";
import { waitUntil } from "../../helpers/wait-until.ts";

/** A frame as an agent in another language would see it: fields that may be there. */
export interface Seen {
  readonly v: number;
  readonly kind: string;
  readonly seq: number;
  readonly lane?: string;
  readonly commands?: readonly SeenCommand[];
  readonly answers?: readonly SeenAnswer[];
  readonly commandIds?: readonly string[];
  readonly waitMs?: number;
  readonly code?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
}
export interface SeenCommand {
  readonly type: string;
  readonly id: string;
  readonly [field: string]: unknown;
}
export interface SeenAnswer {
  readonly type: string;
  readonly commandId: string;
  readonly result: boolean;
  readonly details?: string;
  readonly errorCode?: string;
  readonly epoch?: number;
  readonly retryAfterMs?: number;
}
/** What a test sends: anything at all. */
export type Json = Readonly<Record<string, unknown>>;

export interface Hello {
  readonly agentId?: string;
  readonly secret?: string;
  readonly joinToken?: string | undefined;
  readonly zone?: string;
  readonly cluster?: string;
  readonly resourceType?: string;
  readonly commandTypes?: Json;
  readonly migrateTo?: string;
}

export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

export class TestAgent {
  readonly agentId: string;
  readonly secret: string;
  readonly socket: WebSocket;
  /** All frames, in order. */
  readonly frames: Seen[] = [];
  closed: { code: number; reason: string } | undefined;
  #seq = 1;

  private constructor(socket: WebSocket, hello: Hello) {
    this.socket = socket;
    this.agentId = hello.agentId ?? `agent-${randomUUID()}`;
    this.secret = hello.secret ?? newSecret();
    socket.on("message", (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString("utf8")) as Seen);
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString("utf8") };
    });
    socket.on("error", () => undefined);
  }

  /** Opens a socket and says nothing. */
  static async dial(url: string, hello: Hello = {}): Promise<TestAgent> {
    const socket = new WebSocket(url, "muster.v1", { perMessageDeflate: false });
    const agent = new TestAgent(socket, hello);
    await once(socket, "open");
    return agent;
  }

  /** Opens a socket and says hello. */
  static async hello(url: string, hello: Hello = {}): Promise<TestAgent> {
    const agent = await TestAgent.dial(url, hello);
    agent.sayHello(hello);
    return agent;
  }

  /** The whole handshake. */
  static async connect(url: string, hello: Hello = {}): Promise<TestAgent> {
    const agent = await TestAgent.hello(url, hello);
    await agent.finishHandshake();
    return agent;
  }

  sayHello(hello: Hello = {}): void {
    const { joinToken } = hello;
    const credentials = { secret: this.secret, ...(joinToken !== undefined && { joinToken }) };
    this.send({
      kind: "request",
      lane: "session",
      seq: this.#seq++,
      hello: { agentId: this.agentId, credentials, software: "test/1" },
      commands: [
        {
          type: "Startup",
          id: randomUUID(),
          name: "host",
          resourceType: hello.resourceType ?? "simulator",
          zone: hello.zone ?? "z1",
          cluster: hello.cluster ?? "c1",
          version: "1.0.0",
          ...(hello.commandTypes !== undefined && { commandTypes: hello.commandTypes }),
          ...(hello.migrateTo !== undefined && { migrateTo: hello.migrateTo }),
        },
      ],
    });
  }

  async finishHandshake(): Promise<void> {
    const ready = await this.next("the Ready Command", (frame) => isCommand(frame, "Ready"));
    this.respond(ready, [{ type: "ReadyAnswer", result: true }]);
  }

  get epoch(): number {
    const startup = this.frames.find((frame) => isAnswer(frame, "StartupAnswer"));
    return Number(startup?.answers?.[0]?.epoch);
  }

  send(frame: Json): void {
    this.socket.send(JSON.stringify({ v: 1, ...frame }));
  }

  ping(resources: Json[] = [{ name: "host", healthy: true }]): string {
    const id = randomUUID();
    const commands = [{ type: "Ping", id, resources }];
    this.send({ kind: "request", lane: "session", seq: this.#seq++, commands });
    return id;
  }

  goodbye(reason: string): void {
    const commands = [{ type: "Shutdown", id: randomUUID(), reason }];
    this.send({ kind: "request", lane: "session", seq: this.#seq++, commands });
  }

  /** Answers a Request, one Answer for each Command in its order. */
  respond(request: Seen, answers: readonly Json[]): void {
    const { seq, lane, commands } = request;
    this.send({
      kind: "response",
      seq,
      lane,
      answers: answers.map((answer, i) => ({ commandId: commands?.[i]?.id, ...answer })),
    });
  }

  /** Tells one Answer of a Request that goes on. */
  progress(request: Seen, index: number, answer: Json): void {
    const { seq, lane, commands } = request;
    const commandId = commands?.[index]?.id;
    this.send({ kind: "progress", seq, lane, index, answer: { commandId, ...answer } });
  }

  /** Waits for the first frame that fits, also one that came before. */
  async next(what: string, fits: (frame: Seen) => boolean): Promise<Seen> {
    return await waitUntil(what, () => this.frames.find(fits));
  }

  async untilClosed(): Promise<{ code: number; reason: string }> {
    return await waitUntil("the socket is closed", () => this.closed);
  }

  close(): void {
    this.socket.terminate();
  }
}

export function isCommand(frame: Seen, type: string): boolean {
  return frame.kind === "request" && frame.commands?.[0]?.type === type;
}
export function isAnswer(frame: Seen, type: string): boolean {
  return frame.kind === "response" && frame.answers?.[0]?.type === type;
}
export function isError(frame: Seen, code: string): boolean {
  return frame.kind === "error" && frame.code === code;
}
