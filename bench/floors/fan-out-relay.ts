/** Relay of the floor of `bench fleet`: one caller, many agents, told apart by their number. */
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { FanOutFrame } from "./relay-frames.ts";

const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  perMessageDeflate: false,
  clientTracking: false,
});
const agents = new Map<number, WebSocket>();
let caller: WebSocket | undefined;
server.on("connection", (socket, request) => {
  const url = request.url ?? "";
  const isCaller = url === "/caller";
  if (isCaller) caller = socket;
  else agents.set(Number(url.slice(1)), socket);
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as FanOutFrame;
    const to = isCaller ? agents.get(frame.agent) : caller;
    to?.send(JSON.stringify(frame));
  });
});
server.on("listening", () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
