/** An agent written from the frames alone: no code of src/agent. */
import { randomBytes, randomUUID } from "node:crypto";
import WebSocket from "ws";
import { waitUntil } from "../../helpers/wait-until.ts";

// Frames as JSON: what an agent in another language would see.
export interface Json {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a frame is read field by field, as by a foreign agent
  [field: string]: any;
}

export interface Hello {
  readonly agentId?: string;
  readonly secret?: string;
  readonly joinToken?: string | undefined;
  readonly zone?: string;
  readonly cluster?: string;
  readonly resourceType?: string;
  readonly commandTypes?: Json;
}

export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

export class TestAgent {
  readonly agentId: string;
  readonly secret: string;
  readonly socket: WebSocket;
  /** All frames, in order. */
  readonly frames: Json[] = [];
  closed: { code: number; reason: string } | undefined;
  #seq = 1;

  private constructor(socket: WebSocket, hello: Hello) {
    this.socket = socket;
    this.agentId = hello.agentId ?? `agent-${randomUUID()}`;
    this.secret = hello.secret ?? newSecret();
    socket.on("message", (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString("utf8")) as Json);
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
    await waitUntil("the socket is open", () => socket.readyState === WebSocket.OPEN);
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
    const credentials: Json = { secret: this.secret };
    if (hello.joinToken !== undefined) credentials["joinToken"] = hello.joinToken;
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
        },
      ],
    });
  }

  async finishHandshake(): Promise<void> {
    const ready = await this.next("the Ready Command", (frame) => isCommand(frame, "Ready"));
    this.respond(ready, [{ type: "ReadyAnswer", result: true }]);
  }

  get epoch(): number {
    const startup = this.frames.find((frame) => frame["answers"]?.[0]?.type === "StartupAnswer");
    return Number(startup?.["answers"][0].epoch);
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
  respond(request: Json, answers: Json[]): void {
    const { seq, lane, commands } = request;
    this.send({
      kind: "response",
      seq,
      lane,
      answers: answers.map((answer, i) => ({ commandId: commands[i].id, ...answer })),
    });
  }

  /** Waits for the first frame that fits, also one that came before. */
  async next(what: string, fits: (frame: Json) => boolean): Promise<Json> {
    return await waitUntil(what, () => this.frames.find(fits));
  }

  async untilClosed(): Promise<{ code: number; reason: string }> {
    return await waitUntil("the socket is closed", () => this.closed);
  }

  close(): void {
    this.socket.terminate();
  }
}

export function isCommand(frame: Json, type: string): boolean {
  return frame["kind"] === "request" && frame["commands"]?.[0]?.type === type;
}
export function isError(frame: Json, code: string): boolean {
  return frame["kind"] === "error" && frame["code"] === code;
}
