/** The gateway's figures for Prometheus. Hot paths count in plain numbers; they are read when asked for. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

/** Counted on hot paths. */
export interface Tally {
  readonly pings: number;
  readonly relays: number;
  readonly directRequests: number;
  readonly durableRequests: number;
  readonly forwardedRequests: number;
  readonly answers: number;
  readonly stalledMs: number;
  readonly sessions: number;
  readonly socketsOpening: number;
  readonly signalsOpen: number;
  readonly agentsRefused: number;
  readonly inventoriesWaiting: number;
  readonly controls: Readonly<Record<string, number>>;
}

export interface GatewayMetrics {
  readonly registry: Registry;
  readonly handshakes: Counter<"result">;
  readonly closes: Counter<"code">;
}

type Plain = Exclude<keyof Tally, "controls">;
const counters: readonly (readonly [string, string, Plain])[] = [
  ["pings_total", "Pings received from agents.", "pings"],
  ["relays_total", "Pings relayed to Temporal.", "relays"],
  ["direct_requests_total", "Requests on the direct lane.", "directRequests"],
  ["durable_requests_total", "Requests on the durable lane.", "durableRequests"],
  ["forwarded_requests_total", "Requests passed on to other gateways.", "forwardedRequests"],
  ["answers_total", "Durable Responses received from agents.", "answers"],
  [
    "stalled_milliseconds_total",
    "Time that this process stood still; added to every deadline that it judges.",
    "stalledMs",
  ],
];
const gauges: readonly (readonly [string, string, Plain])[] = [
  ["sessions", "Agents connected here.", "sessions"],
  ["sockets_opening", "Sockets that have said nothing yet.", "socketsOpening"],
  ["signals_open", "Signals that Temporal has not taken yet.", "signalsOpen"],
  ["agents_refused", "Agents refused here within the last 10 minutes.", "agentsRefused"],
  ["inventories_waiting", "Hosts whose workloads Postgres has not got yet.", "inventoriesWaiting"],
];

/** `read` is called at each scrape. */
export function createMetrics(read: () => Tally): GatewayMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const [name, help, key] of counters) {
    new Counter({
      name: `muster_gateway_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read()[key]);
      },
    });
  }
  for (const [name, help, key] of gauges) {
    new Gauge({
      name: `muster_gateway_${name}`,
      help,
      registers,
      collect() {
        this.set(read()[key]);
      },
    });
  }
  new Counter({
    name: "muster_gateway_control_commands_total",
    help: "Commands of agents to the manager by how they ended.",
    labelNames: ["result"],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(read().controls)) this.inc({ result }, count);
    },
  });
  return {
    registry,
    handshakes: new Counter({
      name: "muster_gateway_handshakes_total",
      help: "Handshakes by result.",
      labelNames: ["result"],
      registers,
    }),
    closes: new Counter({
      name: "muster_gateway_closes_total",
      help: "Closed sockets by close code.",
      labelNames: ["code"],
      registers,
    }),
  };
}
