/** A caller on the command socket, written from docs/CLIENT-API.md alone. */
import { once } from "node:events";
import WebSocket from "ws";
import { waitUntil } from "../../helpers/wait-until.ts";
import { apiToken } from "./operator-rig.ts";

export type Message = Readonly<Record<string, unknown>>;

export class CallerSocket {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  lastId = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString("utf8")) as Message);
    });
    socket.on("error", () => undefined);
  }

  static async open(apiUrl: string): Promise<CallerSocket> {
    const socket = new WebSocket(`${apiUrl.replace("http", "ws")}/api/v1/socket`, {
      headers: { authorization: `Bearer ${apiToken}` },
    });
    const caller = new CallerSocket(socket);
    await once(socket, "open");
    return caller;
  }

  write(message: Message): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Makes a call; gives the reply to it, whatever it says. */
  call(message: Message): Promise<Message> {
    const id = ++this.lastId;
    this.write({ id, ...message });
    return waitUntil("the reply", () =>
      this.messages.find((reply) => reply["id"] === id && reply["progress"] === undefined),
    );
  }

  close(): void {
    this.socket.terminate();
  }
}
