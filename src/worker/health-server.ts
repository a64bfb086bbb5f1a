/** `/healthz` (the process answers), `/readyz` (every Worker polls), `/metrics`. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { Log } from "../telemetry/log.ts";
import { WorkerError } from "./errors.ts";
import type { createWorkerMetrics } from "./metrics.ts";
import type { Supervised } from "../temporal/index.ts";

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param at where to listen; port 0 takes any free one.
 * @throws WorkerError PORT_TAKEN when another process has the port.
 */
export async function startHealthServer(
  at: { readonly host: string; readonly port: number },
  workers: readonly Supervised[],
  metrics: ReturnType<typeof createWorkerMetrics>,
  log: Log,
): Promise<HealthServer> {
  const server = createServer(answering(workers, metrics, log));
  await listen(server, at.host, at.port);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  const name = ["0.0.0.0", "::"].includes(at.host) ? "127.0.0.1" : at.host;
  return {
    url: `http://${name.includes(":") ? `[${name}]` : name}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function answering(
  workers: readonly Supervised[],
  metrics: ReturnType<typeof createWorkerMetrics>,
  log: Log,
): RequestListener {
  return (request, response) => {
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { "content-type": type }).end(body);
    };
    const json = (status: number, body: unknown): void => {
      answer(status, "application/json", `${JSON.stringify(body)}\n`);
    };
    const [path] = (request.url ?? "").split("?");
    if (request.method !== "GET") {
      json(405, { status: "error", detail: "Only GET is answered here." });
    } else if (path === "/healthz") {
      json(200, { status: "ok" });
    } else if (path === "/readyz") {
      const ready = workers.length > 0 && workers.every((worker) => worker.state() === "RUNNING");
      const states = Object.fromEntries(workers.map((worker) => [worker.name, worker.state()]));
      json(ready ? 200 : 503, { status: ready ? "ready" : "not ready", workers: states });
    } else if (path === "/metrics") {
      metrics.text().then(
        (text) => {
          answer(200, metrics.contentType, text);
        },
        (error: unknown) => {
          log.error({ err: error }, "metrics can't be read");
          json(500, { status: "error", detail: "Metrics can't be read; see the log." });
        },
      );
    } else {
      json(404, { status: "error", detail: "Try /healthz, /readyz or /metrics." });
    }
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server
      .once("error", (error: NodeJS.ErrnoException) => {
        reject(error.code === "EADDRINUSE" ? portTaken(port, error) : error);
      })
      .listen(port, host, resolve);
  });
}

function portTaken(port: number, cause: Error): WorkerError {
  return new WorkerError(
    "PORT_TAKEN",
    `Port ${port} for the worker's health and metrics is taken, perhaps by another worker on this machine: ` +
      "set MUSTER_WORKER_PORT to another one, or to 0 for any.",
    { cause },
  );
}
