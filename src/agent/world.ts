/**
 * The world of simulated hosts: a small HTTP server on 127.0.0.1 where their power is seen and switched, as a BMC does it
 * for real ones. The Investigator `simulator` reads it; `muster world` and tests switch it.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Log } from "../telemetry/log.ts";
import { WorldPortError } from "./errors.ts";
import type { HostPower, HostView } from "./fleet/fleet-slice.ts";
import type { Power } from "./power-switch.ts";

/** The hosts whose power can be switched. Nobody is known before it is simulated. */
export interface WorldHosts {
  powers(): Promise<readonly HostPower[]>;
  look(id: string): Promise<HostView | undefined>;
  setPower(id: string, power: Power): Promise<HostView | undefined>;
}

export interface World {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  close(): Promise<void>;
}

/** An answer: its status and its JSON. */
interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const bodyBytesMax = 1_024;

/**
 * @param port 0 takes any free one.
 * @throws WorldPortError when another process has the port.
 */
export async function startWorld(port: number, hosts: WorldHosts, log: Log): Promise<World> {
  const server = createServer((request, response) => {
    reply(request, hosts)
      .catch((error: unknown): Reply => {
        log.error({ err: error }, "the world can't answer");
        return { status: 500, body: { detail: "See the simulator's log." } };
      })
      .then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(`${JSON.stringify(body)}\n`);
      })
      .catch(() => undefined);
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function reply(request: IncomingMessage, hosts: WorldHosts): Promise<Reply> {
  // A page in a browser of this machine may send requests here, under a name of its own.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) {
    return { status: 403, body: { detail: "Only asked by its own name, 127.0.0.1." } };
  }
  const [, kind, encodedId, action, ...rest] = (request.url ?? "").split("?")[0]?.split("/") ?? [];
  if (kind !== "hosts" || rest.length > 0) return notFound("GET /hosts, /hosts/:id.");
  if (encodedId === undefined) {
    if (request.method !== "GET") return notAllowed("GET");
    return { status: 200, body: { hosts: await hosts.powers() } };
  }
  const id = decode(encodedId);
  const host = id === undefined ? undefined : await hosts.look(id);
  if (id === undefined || host === undefined) return notFound("There is no such host.");
  if (action === undefined) {
    if (request.method !== "GET") return notAllowed("GET");
  } else {
    if (action !== "power") return notFound("POST /hosts/:id/power.");
    if (request.method !== "POST") return notAllowed("POST");
    const power = await readPower(request);
    if (power === undefined) {
      return { status: 400, body: { detail: 'Send JSON: {"power":"on"} or {"power":"off"}.' } };
    }
    return { status: 200, body: await hosts.setPower(id, power) };
  }
  return { status: 200, body: host };
}

/** Undefined when the body is something else. JSON by its type, which no other site's form can send. */
async function readPower(request: IncomingMessage): Promise<Power | undefined> {
  if (request.headers["content-type"]?.startsWith("application/json") !== true) return undefined;
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString("utf8");
    if (text.length > bodyBytesMax) return undefined;
  }
  try {
    const { power } = JSON.parse(text) as { readonly power?: unknown };
    return power === "on" || power === "off" ? power : undefined;
  } catch {
    return undefined;
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function notFound(detail: string): Reply {
  return { status: 404, body: { detail } };
}

function notAllowed(method: string): Reply {
  return { status: 405, body: { detail: `Only ${method} is answered here.` } };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server
      .once("error", (error: NodeJS.ErrnoException) => {
        reject(error.code === "EADDRINUSE" ? new WorldPortError(port, { cause: error }) : error);
      })
      .listen(port, "127.0.0.1", resolve);
  });
}
