/**
 * What holds a server up that closes: connections that callers keep open for later, and those over which nothing was ever
 * asked. Node ends the former when it is told to, and the latter only after minutes.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

const sweepMs = 100;
/** What has just connected may be about to ask. */
const unusedMs = 500;
/** Every call has a deadline of its own; this is for those that it does not end. */
const lastCallsMs = 10_000;

export class Connections {
  readonly #server: Server;
  readonly #all = new Map<Socket, number>();
  /** Those over which nothing was asked yet, by the other side's address: with TLS, a request has another socket. */
  readonly #unused = new Map<string, Socket>();

  /** To be made before the server listens. */
  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      const address = addressOf(socket);
      this.#all.set(socket, performance.now());
      this.#unused.set(address, socket);
      socket.once("close", () => {
        this.#all.delete(socket);
        if (this.#unused.get(address) === socket) this.#unused.delete(address);
      });
    });
    const onUsed = ({ socket }: { readonly socket: Socket }) => {
      this.#unused.delete(addressOf(socket));
    };
    server.on("request", onUsed);
    server.on("upgrade", onUsed);
  }

  /** To be called when the server is about to close: ends what is idle, again and again, and after a while everything. */
  close(): void {
    const sweep = setInterval(() => {
      this.#server.closeIdleConnections();
      const nowMs = performance.now();
      for (const socket of this.#unused.values()) {
        if (nowMs - (this.#all.get(socket) ?? 0) >= unusedMs) socket.destroy();
      }
    }, sweepMs);
    const last = setTimeout(() => {
      for (const socket of this.#all.keys()) socket.destroy();
    }, lastCallsMs);
    this.#server.once("close", () => {
      clearInterval(sweep);
      clearTimeout(last);
    });
  }
}

function addressOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
