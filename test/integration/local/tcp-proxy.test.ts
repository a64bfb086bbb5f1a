import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTcpProxy, type TcpProxy } from "../../helpers/tcp-proxy.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

let server: Server;
let atServer: string;
let proxy: TcpProxy;
const sockets: Socket[] = [];

beforeEach(async () => {
  atServer = "";
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      atServer += chunk.toString();
      socket.write(chunk);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await startTcpProxy((server.address() as AddressInfo).port);
});
afterEach(async () => {
  await proxy.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

async function dial() {
  const socket = connect(proxy.port, "127.0.0.1");
  sockets.push(socket);
  let received = "";
  let closed = false;
  socket.on("error", () => undefined);
  socket.on("close", () => (closed = true));
  socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => undefined);
  return { socket, received: () => received, closed: () => closed };
}

test("proxy - passes bytes both ways", async () => {
  const { socket, received } = await dial();
  socket.write("hello");
  await waitUntil("the echo is back", () => received() === "hello");
  expect(proxy.connections()).toBe(1);
});

test("proxy - cut resets what is open, and takes new connections", async () => {
  const first = await dial();
  first.socket.write("x");
  await waitUntil("it is through", () => first.received() === "x");
  proxy.cut();
  await waitUntil("it is closed", first.closed);
  const second = await dial();
  second.socket.write("y");
  await waitUntil("the echo is back", () => second.received() === "y");
});

test("proxy - silence in one direction lets the other pass, and keeps the socket open", async () => {
  const { socket, received, closed } = await dial();
  socket.write("a");
  await waitUntil("the echo is back", () => received() === "a");
  proxy.silence("toClient");
  socket.write("b");
  await waitUntil("the server has it", () => atServer === "ab");
  expect(received()).toBe("a");
  expect(closed()).toBe(false);
  proxy.resume();
  await waitUntil("the half-open link is cut", closed);
});

test("proxy - refuses new connections when told", async () => {
  proxy.refuse(true);
  const { closed } = await dial();
  await waitUntil("it is closed", closed);
  expect(atServer).toBe("");
});

test("proxy - hold keeps what comes in one direction, and release lets it go on", async () => {
  const { socket, received } = await dial();
  socket.write("a");
  await waitUntil("the echo is back", () => received() === "a");
  proxy.hold("toClient");
  socket.write("b");
  await waitUntil("the server has it", () => atServer === "ab");
  expect(received()).toBe("a");
  proxy.release();
  await waitUntil("nothing was lost", () => received() === "ab");
});

test("proxy - what comes after a delay does not overtake what was delayed", async () => {
  const { socket, received } = await dial();
  socket.write("a");
  await waitUntil("the echo is back", () => received() === "a");
  proxy.delay(300);
  socket.write("b");
  await waitUntil("it is held back", () => socket.writableLength === 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  proxy.delay(0);
  socket.write("c");
  await waitUntil("both are back, in order", () => received() === "abc");
});
