/** The least that is an agent: connects, says hello, answers Ready, and keeps its socket. Written from docs/PROTOCOL.md. */
import { randomBytes } from "node:crypto";
import { WebSocket } from "ws";

interface Incoming {
  readonly kind: string;
  readonly seq: number;
  readonly commands?: readonly { readonly type: string; readonly id: string }[];
  readonly answers?: readonly { readonly result: boolean; readonly details?: string }[];
  readonly message?: string;
}

/** Above the number of the hello. */
const firstPingSeq = 10;

/** One agent that the bench connects as often as it likes; the newest connection takes over. */
export class ConnectingAgent {
  readonly agentId: string;
  readonly #joinToken: string;
  readonly #secret = randomBytes(32).toString("base64url");
  #socket: WebSocket | undefined;
  #pings = 0;

  constructor(agentId: string, joinToken: string) {
    this.agentId = agentId;
    this.#joinToken = joinToken;
  }

  /** Resolves when the manager has recorded the session and its Ready is answered. */
  async connect(url: string): Promise<void> {
    const socket = new WebSocket(url, "muster.v1", { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", (code, reason) => {
        reject(new Error(`${this.agentId}: closed with ${code} ${reason.toString()}`));
      });
      socket.on("open", () => {
        socket.send(this.#hello());
      });
      socket.on("message", (data: Buffer) => {
        const frame = JSON.parse(data.toString()) as Incoming;
        const refusal = frame.answers?.find((answer) => !answer.result)?.details ?? frame.message;
        if (refusal !== undefined) reject(new Error(refusal));
        const ready = frame.commands?.find((command) => command.type === "Ready");
        if (ready === undefined) return;
        const answers = [{ type: "ReadyAnswer", commandId: ready.id, result: true }];
        socket.send(
          JSON.stringify({ v: 1, kind: "response", seq: frame.seq, lane: "session", answers }),
        );
        resolve();
      });
    });
    this.#socket = socket;
  }

  /** Pings once; resolves when the manager has answered it. */
  async ping(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) throw new Error(`${this.agentId} is not connected.`);
    const seq = firstPingSeq + this.#pings++;
    const answered = new Promise<void>((resolve, reject) => {
      const onMessage = (data: Buffer): void => {
        const frame = JSON.parse(data.toString()) as Incoming;
        if (frame.kind !== "response" || frame.seq !== seq) return;
        socket.off("message", onMessage);
        resolve();
      };
      socket.on("message", onMessage);
      socket.once("close", () => {
        reject(new Error(`${this.agentId} lost its socket.`));
      });
    });
    const commands = [{ type: "Ping", id: `ping-${seq}`, resources: [] }];
    socket.send(JSON.stringify({ v: 1, kind: "request", seq, lane: "session", commands }));
    await answered;
  }

  close(): void {
    this.#socket?.terminate();
  }

  #hello(): string {
    const startup = {
      type: "Startup",
      id: crypto.randomUUID(),
      name: "host",
      resourceType: "simulator",
      zone: "bench",
      cluster: "bench",
      version: "1",
    };
    const credentials = { secret: this.#secret, joinToken: this.#joinToken };
    const hello = { agentId: this.agentId, credentials, software: "muster-bench/1" };
    return JSON.stringify({
      v: 1,
      kind: "request",
      seq: 1,
      lane: "session",
      commands: [startup],
      hello,
    });
  }
}
