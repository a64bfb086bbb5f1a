/** Figures of the listeners for Prometheus, in gateways and workers alike. Counted in plain numbers, read at each scrape. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { CallCounts, Listeners } from "./listeners.ts";

const results = [
  "done",
  "failed",
  "timedOut",
  "vetoed",
] as const satisfies readonly (keyof CallCounts)[];

export function registerHookMetrics(registry: Registry, listeners: Listeners): void {
  const registers = [registry];
  new Counter({
    name: "muster_hook_calls_total",
    help: "Calls of listeners by how they ended.",
    labelNames: ["listener", "method", "result"],
    registers,
    collect() {
      this.reset();
      for (const { listener, calls } of listeners.all) {
        for (const [method, counts] of calls) {
          for (const result of results) {
            this.inc({ listener: listener.name, method, result }, counts[result]);
          }
        }
      }
    },
  });
  new Counter({
    name: "muster_hook_dropped_total",
    help: "What a listener was not told because too much waited for it.",
    labelNames: ["listener"],
    registers,
    collect() {
      this.reset();
      for (const { listener, queue } of listeners.all) {
        this.inc({ listener: listener.name }, queue.dropped);
      }
    },
  });
  new Gauge({
    name: "muster_hook_waiting",
    help: "What a listener is still to be told.",
    labelNames: ["listener"],
    registers,
    collect() {
      for (const { listener, queue } of listeners.all) {
        this.set({ listener: listener.name }, queue.waiting);
      }
    },
  });
}
