/** Second process of the floor of `bench direct`: passes frames between caller and agent, parsing and writing JSON. */
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { BareFrame } from "./relay-frames.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
const ends = new Map<string, WebSocket>();
server.on("connection", (socket, request) => {
  const own = request.url ?? "";
  const other = own === "/caller" ? "/agent" : "/caller";
  ends.set(own, socket);
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as BareFrame;
    ends.get(other)?.send(JSON.stringify(frame));
  });
});
server.on("listening", () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
