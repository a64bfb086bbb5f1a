/** Agents of the floor of `bench fleet`: many sockets in one process. Arguments: URL of the relay, number of sockets. */
import { WebSocket } from "ws";
import { inParallel } from "../measure.ts";
import type { FanOutFrame } from "./relay-frames.ts";

/** A listening socket of the system takes so many that wait to be accepted. */
const dialledAtOnce = 100;

const [url = "", count = "0"] = process.argv.slice(2);

async function connect(agent: number): Promise<void> {
  const socket = new WebSocket(`${url}/${agent}`, { perMessageDeflate: false });
  socket.on("message", (data: Buffer) => {
    const request = JSON.parse(data.toString()) as FanOutFrame;
    const response: FanOutFrame = {
      v: 1,
      kind: "response",
      seq: request.seq,
      lane: "direct",
      agent,
      answers: (request.commands ?? []).map(({ type, id }) => ({
        type: `${type}Answer`,
        commandId: id,
        result: true,
      })),
    };
    socket.send(JSON.stringify(response));
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
}

await inParallel(Number(count), dialledAtOnce, connect);
process.stdout.write("ready\n");
process.on("SIGTERM", () => process.exit(0));
