/** Third process of the floor of `bench direct`: answers each request, parsing and writing JSON. */
import { WebSocket } from "ws";
import type { BareFrame } from "./relay-frames.ts";

const socket = new WebSocket(process.argv[2] ?? "", { perMessageDeflate: false });
socket.on("message", (data: Buffer) => {
  const request = JSON.parse(data.toString()) as BareFrame;
  const response: BareFrame = {
    v: 1,
    kind: "response",
    seq: request.seq,
    lane: "direct",
    answers: (request.commands ?? []).map(({ type, id }) => ({
      type: `${type}Answer`,
      commandId: id,
      result: true,
    })),
  };
  socket.send(JSON.stringify(response));
});
socket.on("open", () => process.stdout.write("ready\n"));
socket.on("close", () => process.exit(0));
