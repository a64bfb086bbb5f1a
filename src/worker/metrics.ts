import { Gauge, Registry, collectDefaultMetrics } from "prom-client";
import type { Listeners } from "../hooks/listeners.ts";
import { registerHookMetrics } from "../hooks/metrics.ts";
import { temporalMetrics } from "../temporal/index.ts";
import type { Supervised } from "../temporal/index.ts";

/** Everything a worker process measures, as Prometheus text: the process, the Workers, and Core's own (`temporal_…`). */
export function createWorkerMetrics(
  workers: readonly Supervised[],
  listeners: Listeners,
): {
  readonly contentType: string;
  text(): Promise<string>;
} {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: (worker: Supervised) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ["worker"],
      registers: [registry],
      collect() {
        for (const worker of workers) this.set({ worker: worker.name }, value(worker));
      },
    });
  };
  gauge("muster_worker_running", "1 while the Worker polls", (worker) =>
    worker.state() === "RUNNING" ? 1 : 0,
  );
  gauge("muster_worker_restarts", "How often the Worker failed and was made anew", (worker) =>
    worker.restarts(),
  );
  gauge("muster_worker_cached_workflows", "Workflows held in memory", (worker) =>
    worker.cachedWorkflows(),
  );
  registerHookMetrics(registry, listeners);
  return {
    contentType: registry.contentType,
    text: async () => (await registry.metrics()) + (await temporalMetrics()),
  };
}
