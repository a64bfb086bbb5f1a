import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { CommandSockets } from "./command-sockets.ts";
import type { Api } from "./validation.ts";

/** Figures of the operator API. Calls on sockets are counted in plain numbers, read when asked for. */
export function apiMetrics(
  api: Api,
  registry: Registry,
  sockets: Pick<CommandSockets, "open" | "calls">,
): void {
  const registers = [registry];
  const seconds = new Histogram({
    name: "muster_api_request_seconds",
    help: "HTTP requests of the operator API by route and status.",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  new Gauge({
    name: "muster_api_sockets",
    help: "Command sockets open.",
    registers,
    collect() {
      this.set(sockets.open);
    },
  });
  new Counter({
    name: "muster_api_socket_calls_total",
    help: "Calls on command sockets.",
    registers,
    collect() {
      this.reset();
      this.inc(sockets.calls);
    },
  });
  api.addHook("onResponse", async (request, reply) => {
    const { method } = request;
    const route = request.routeOptions.url ?? "unknown";
    seconds.observe({ method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
  });
}
