/** Endpoints that behave as broken machines do. Each lives on 127.0.0.1 for as long as one check runs. */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Where an Investigator is to look in a check. */
export interface Endpoint {
  /** Always 127.0.0.1. */
  readonly address: string;
  readonly port: number;
  /** `http://<address>:<port>`. */
  readonly url: string;
}

export interface RunningEndpoint extends Endpoint {
  close(): Promise<void>;
}

/** What claims that a machine is off in a way that an eager reader might believe. */
const saysOff = JSON.stringify({
  PowerState: "Off",
  power: "off",
  status: "off",
  verdict: "Down",
  proof: "off",
});

/** Every kind of broken endpoint, by what it does. */
export const brokenEndpoints: Readonly<Record<string, () => Promise<RunningEndpoint>>> = {
  "an endpoint that takes the connection and stays silent": () => socketEndpoint(() => undefined),
  "a closed port": closedPort,
  "a connection that is dropped at once": () => socketEndpoint((socket) => socket.destroy()),
  "a connection that is dropped in the middle of an answer": () =>
    socketEndpoint((socket) => {
      socket.once("data", () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n${saysOff}`, () =>
          socket.destroy(),
        );
      });
    }),
  "rubbish bytes": () =>
    socketEndpoint((socket) => {
      socket.end(Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 151 + 7) % 256)));
    }),
  "HTTP 500 that says off": () => httpEndpoint(answering(500, saysOff)),
  "HTTP 401": () => httpEndpoint(answering(401, saysOff)),
  "an empty JSON object": () => httpEndpoint(answering(200, "{}")),
  "JSON of other things": () => httpEndpoint(answering(200, `[null, ${saysOff}]`)),
  "HTTP 200 that is no JSON": () => httpEndpoint(answering(200, "<html>Off</html>")),
  "a redirect to who knows where": () =>
    httpEndpoint((_request, response) => {
      response.writeHead(302, { location: "http://127.0.0.1:9/elsewhere" }).end(saysOff);
    }),
  "an answer that drips and never ends": () =>
    socketEndpoint((socket) => {
      const head = "HTTP/1.1 200 OK\r\nx-slow: ";
      let sent = 0;
      const timer = setInterval(() => socket.write(head[sent++] ?? "x"), 20);
      socket.once("close", () => {
        clearInterval(timer);
      });
    }),
  "an answer without end": () =>
    httpEndpoint((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = () => {
        while (!response.destroyed && response.write(" ".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    }),
};

/** Takes connections and says nothing: for checks of time. */
export const silentEndpoint = (): Promise<RunningEndpoint> => socketEndpoint(() => undefined);

function answering(status: number, body: string): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  };
}

async function closedPort(): Promise<RunningEndpoint> {
  const endpoint = await socketEndpoint(() => undefined);
  await endpoint.close();
  return { ...endpoint, close: () => Promise.resolve() };
}

function httpEndpoint(listener: RequestListener): Promise<RunningEndpoint> {
  return listen(createHttpServer(listener));
}

function socketEndpoint(onConnection: (socket: Socket) => void): Promise<RunningEndpoint> {
  return listen(createServer(onConnection));
}

async function listen(server: Server): Promise<RunningEndpoint> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const address = "127.0.0.1";
  return {
    address,
    port,
    url: `http://${address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
