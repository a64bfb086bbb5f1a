/** Floor of `bench direct`: caller, relay and agent as three processes over bare `ws`. */
import { WebSocket } from "ws";
import { startNode, type Child } from "../processes.ts";
import type { BareFrame } from "./relay-frames.ts";

export interface BareRelay {
  /** One round trip, caller → relay → agent and back. */
  call(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the two other processes and connects to them. */
export async function startBareRelay(): Promise<BareRelay> {
  const relay = await startNode(new URL("relay.ts", import.meta.url), []);
  const url = `ws://127.0.0.1:${relay.readyLine.split(" ")[1] ?? ""}`;
  const agent = await startNode(new URL("relay-agent.ts", import.meta.url), [`${url}/agent`]);
  const socket = new WebSocket(`${url}/caller`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  const waiting = new Map<number, () => void>();
  socket.on("message", (data: Buffer) => {
    const { seq } = JSON.parse(data.toString()) as BareFrame;
    waiting.get(seq)?.();
    waiting.delete(seq);
  });
  let seq = 0;
  return {
    call: () =>
      new Promise<void>((resolve) => {
        seq += 1;
        waiting.set(seq, resolve);
        const id = crypto.randomUUID();
        const commands = [{ type: "CheckHealth", id }];
        const frame: BareFrame = {
          v: 1,
          kind: "request",
          seq,
          lane: "direct",
          waitMs: 10_000,
          commands,
        };
        socket.send(JSON.stringify(frame));
      }),
    stop: async () => {
      socket.close();
      await stopAll([agent, relay]);
    },
  };
}

async function stopAll(children: readonly Child[]): Promise<void> {
  await Promise.all(children.map((child) => child.stop()));
}
