/**
 * Floor of `bench fleet`: the same processes over bare `ws`: one caller, relays, and processes that hold the agents' sockets. Each
 * hop parses and writes JSON, and checks nothing.
 */
import { WebSocket } from "ws";
import type { Watched } from "../cpu.ts";
import { startNode, type Child } from "../processes.ts";
import type { FanOutFrame } from "./relay-frames.ts";

export interface FanOut {
  readonly watched: Watched;
  /** One round trip to the socket of that number, by the relay that holds it. */
  call(agent: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `relays` relays, each with a process that opens its share of `agents` sockets to it. */
export async function startFanOut(agents: number, relays: number): Promise<FanOut> {
  const share = Math.ceil(agents / relays);
  const parts = await Promise.all(
    Array.from({ length: relays }, async (_, number) => {
      const relay = await startNode(new URL("fan-out-relay.ts", import.meta.url), []);
      const url = `ws://127.0.0.1:${relay.readyLine.split(" ")[1] ?? ""}`;
      const count = Math.min(share, agents - number * share);
      const sockets = await startNode(new URL("fan-out-agents.ts", import.meta.url), [
        url,
        String(count),
      ]);
      return { children: [sockets, relay], caller: await Caller.open(`${url}/caller`) };
    }),
  );
  const children: readonly Child[] = parts.flatMap((part) => part.children);
  return {
    watched: Object.fromEntries(
      parts.flatMap(({ children: [sockets, relay] }, number) => [
        [`bare relay ${number + 1}`, relay?.process.pid],
        [`bare agents ${number + 1}`, sockets?.process.pid],
      ]),
    ),
    call: async (agent) => {
      await parts[Math.floor(agent / share)]?.caller.call(agent % share);
    },
    stop: async () => {
      for (const { caller } of parts) caller.close();
      await Promise.all(children.map((child) => child.stop()));
    },
  };
}

/** One socket to one relay, with many calls in flight. */
class Caller {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, () => void>();
  #seq = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const { seq } = JSON.parse(data.toString()) as FanOutFrame;
      this.#waiting.get(seq)?.();
      this.#waiting.delete(seq);
    });
  }

  static async open(url: string): Promise<Caller> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Caller(socket);
  }

  call(agent: number): Promise<void> {
    return new Promise((resolve) => {
      this.#seq += 1;
      this.#waiting.set(this.#seq, resolve);
      const commands = [{ type: "CheckHealth", id: crypto.randomUUID() }];
      const base = { v: 1, kind: "request", lane: "direct", waitMs: 10_000 } as const;
      const frame: FanOutFrame = { ...base, seq: this.#seq, agent, commands };
      this.#socket.send(JSON.stringify(frame));
    });
  }

  close(): void {
    this.#socket.close();
  }
}
