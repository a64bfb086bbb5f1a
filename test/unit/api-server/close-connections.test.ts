import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { Connections } from "../../../src/gateway/api/close-connections.ts";

it("a server that closes - ends connections that were never used or are kept for later, and sees calls through", async () => {
  const server = createServer();
  const connections = new Connections(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  const unused = connect(address);
  await once(unused, "connect");
  const call = get(address);
  const [, response] = (await once(server, "request")) as [IncomingMessage, ServerResponse];

  const closed = once(server, "close");
  const startedMs = performance.now();
  connections.close();
  server.close();
  await once(unused, "close");
  response.end("done");
  const [reply] = (await once(call, "response")) as [IncomingMessage];
  reply.resume();
  await closed;
  expect(reply.statusCode).toBe(200);
  expect(performance.now() - startedMs).toBeLessThan(9_000);
});
