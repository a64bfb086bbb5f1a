/**
 * What the fault matrix breaks: a Temporal, a PostgreSQL, two gateways, a worker and agents, all in processes of their
 * own, with a proxy in each link.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { loadConfig } from "../../src/config/index.ts";
import { startGuard, type Guard } from "../../src/local/guard.ts";
import { freePort } from "../../src/local/ports.ts";
import { startPostgresServer } from "../../src/local/postgres-server.ts";
import { findTemporalBinary } from "../../src/local/temporal-binary.ts";
import { startTemporalServer } from "../../src/local/temporal-server.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { runSetup } from "../../src/worker/setup/run-setup.ts";
import { startTcpProxy, type TcpProxy } from "../helpers/tcp-proxy.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import type { LinkTarget, ProcessTarget } from "./matrix.ts";
import { breakable, startMusterChild, type Breakable } from "./processes.ts";

const apiToken = "faults-api-token-0123456789";
/** Another address of this machine, so that a proxy can listen on the very port that its gateway has on 127.0.0.1. */
const advertisedHost = "127.0.0.2";
const twoGateways = ["gateway-1", "gateway-2"] as const;
export const joinToken = "faults-join-token-0123456789";
export const agentIds = ["host-1", "host-2", "host-3", "host-4"] as const;
const resource = new URL("effects-resource.mjs", import.meta.url).pathname;

/** Short enough to see what losses lead to, long enough for two busy cores. */
const times = {
  MUSTER_PING_INTERVAL_MS: "3000",
  MUSTER_PING_TIMEOUT_MULTIPLIER: "2.5",
  MUSTER_RECONNECT_GRACE_MS: "1000",
  MUSTER_INVESTIGATE_RETRY_MS: "2000",
  MUSTER_ALERT_WAIT_MS: "600000",
  MUSTER_RELAY_BUDGET_PER_SECOND: "100",
};

export interface StackOptions {
  readonly gatewayIds?: readonly string[];
  /** Agents in processes of their own. */
  readonly agentIds?: readonly string[];
  readonly logLevel?: string;
  /** Settings in the place of the short times. */
  readonly env?: Readonly<Record<string, string>>;
}

export class FaultStack {
  readonly home = mkdtempSync(join(tmpdir(), "muster-faults-"));
  readonly processes: Record<ProcessTarget, Breakable[]> = {
    gateway: [],
    worker: [],
    agent: [],
    temporal: [],
    postgres: [],
  };
  readonly links: Record<LinkTarget, TcpProxy[]> = {
    "caller-gateway": [],
    "agent-gateway": [],
    "gateway-gateway": [],
    "gateway-temporal": [],
    "gateway-postgres": [],
    "worker-temporal": [],
    "worker-postgres": [],
  };
  readonly apiToken = apiToken;
  readonly #options: StackOptions;
  #guard: Guard | undefined;
  #temporal: Client | undefined;
  #databaseUrl = "";
  #temporalPort = 0;

  constructor(options: StackOptions = {}) {
    this.#options = options;
  }

  /** Straight to Temporal, past all proxies. */
  get temporal(): Client {
    if (this.#temporal === undefined) throw new Error("The stack is not started.");
    return this.#temporal;
  }

  /** As callers reach the gateways. */
  get apiUrls(): readonly [string, ...string[]] {
    const [first, ...more] = this.links["caller-gateway"].map(
      ({ port }) => `http://127.0.0.1:${port}`,
    );
    if (first === undefined) throw new Error("The stack is not started.");
    return [first, ...more];
  }

  /** What the resource of an agent keeps. */
  folderOf(agentId: string): string {
    return join(this.home, "effects", agentId);
  }

  async start(): Promise<void> {
    this.#guard = startGuard(join(this.home, "pids"), this.home);
    const [temporalPort] = await Promise.all([this.#startTemporal(), this.#startPostgres()]);
    const temporalAddress = `127.0.0.1:${temporalPort}`;
    await runSetup(
      loadConfig({ DATABASE_URL: this.#databaseUrl, TEMPORAL_ADDRESS: temporalAddress }),
      createLog("faults", "error"),
    );
    const connection = await Connection.connect({ address: temporalAddress });
    this.#temporal = new Client({ connection });
    await this.#startWorker(temporalPort);
    this.#temporalPort = temporalPort;
    const { gatewayIds = twoGateways, agentIds: agents = agentIds } = this.#options;
    for (const gatewayId of gatewayIds) await this.addGateway(gatewayId);
    await Promise.all(agents.map((agentId) => this.#startAgent(agentId)));
    if (agents.length > 0) await this.untilUp();
  }

  /** Ends everything; agents first, as they would only go looking for their gateway. */
  async close(): Promise<void> {
    const { agent, gateway, worker, temporal, postgres } = this.processes;
    for (const proxies of Object.values(this.links)) for (const proxy of proxies) proxy.resume();
    for (const layer of [agent, gateway, worker]) {
      for (const one of layer) one.signal("SIGCONT");
      await Promise.all(layer.map((one) => one.stop()));
    }
    await this.#temporal?.connection.close();
    await Promise.all([...temporal, ...postgres].map((one) => one.stop()));
    await Promise.all(Object.values(this.links).flatMap((all) => all.map((one) => one.close())));
    await this.#guard?.dismiss();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** A call of the operator API over the callers' links; undefined when no gateway answers. */
  async get(path: string): Promise<{ status: number; body: unknown } | undefined> {
    return await this.call("GET", path);
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown } | undefined> {
    for (const url of this.apiUrls) {
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${apiToken}`,
            ...(body !== undefined && { "content-type": "application/json" }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(10_000),
        });
        return { status: response.status, body: await response.json() };
      } catch {
        // The next one may be there.
      }
    }
    return undefined;
  }

  /** Waits until every agent is Up. */
  async untilUp(timeoutMs = 60_000): Promise<void> {
    await waitUntil(
      "every agent is Up",
      async () => {
        const reply = await this.get("/api/v1/agents?status=Up");
        return (reply?.body as { agents?: unknown[] }).agents?.length === agentIds.length;
      },
      { timeoutMs, everyMs: 100 },
    );
  }

  async #startTemporal(): Promise<number> {
    const binary = await findTemporalBinary();
    const port = await freePort();
    const start = () =>
      startTemporalServer({
        binary: binary.command,
        logFile: this.#log("temporal"),
        port,
        uiPort: "headless",
        databaseFile: join(this.home, "temporal.db"),
        note: { pidsDir: join(this.home, "pids"), name: "temporal", layer: 0 },
      });
    this.processes.temporal.push(await breakable("temporal", start));
    return port;
  }

  async #startPostgres(): Promise<void> {
    const port = await freePort();
    const start = async () => {
      const server = await startPostgresServer({
        dataDir: join(this.home, "postgres"),
        passwordFile: join(this.home, "postgres-password"),
        logFile: this.#log("postgres"),
        port,
        note: { pidsDir: join(this.home, "pids"), name: "postgres", layer: 0 },
      });
      this.#databaseUrl = server.url;
      return server;
    };
    this.processes.postgres.push(await breakable("postgres", start));
  }

  async #startWorker(temporalPort: number): Promise<void> {
    const env = {
      ...(await this.#serverEnv("worker", temporalPort)),
      MUSTER_WORKER_PORT: String(await freePort()),
    };
    this.processes.worker.push(
      await breakable("worker", () => this.#startMuster("worker", ["worker"], env)),
    );
  }

  /** As agents dial the gateways. */
  get agentUrls(): readonly string[] {
    return this.links["agent-gateway"].map(({ port }) => `ws://${advertisedHost}:${port}`);
  }

  /** Starts another gateway, behind proxies of its own. */
  async addGateway(gatewayId: string): Promise<void> {
    const [agentPort, apiPort] = [await freePort(), await freePort()];
    this.links["caller-gateway"].push(await startTcpProxy(apiPort));
    // Where the gateway says that it is: agents and other gateways must not find their way round the proxies.
    const at = (port: number) => ({ host: advertisedHost, port });
    this.links["agent-gateway"].push(await startTcpProxy(agentPort, "127.0.0.1", at(agentPort)));
    this.links["gateway-gateway"].push(await startTcpProxy(apiPort, "127.0.0.1", at(apiPort)));
    const env = {
      ...(await this.#serverEnv("gateway", this.#temporalPort)),
      MUSTER_GATEWAY_ID: gatewayId,
      MUSTER_ADVERTISE_HOST: advertisedHost,
      MUSTER_AGENT_PORT: String(agentPort),
      MUSTER_API_PORT: String(apiPort),
    };
    this.processes.gateway.push(
      await breakable(gatewayId, () => this.#startMuster(gatewayId, ["gateway"], env)),
    );
  }

  async #startAgent(agentId: string): Promise<void> {
    const config = JSON.stringify({ folder: this.folderOf(agentId) });
    const args = [
      ...["agent", "--id", agentId, "--zone", "zone-1", "--cluster", "cluster-1"],
      ...["--resource", resource, "--config", config],
    ];
    const gateways = this.agentUrls;
    // Each begins with another one.
    const first = agentIds.findIndex((one) => one === agentId) % gateways.length;
    const env = {
      ...this.#env(),
      MUSTER_GATEWAYS: [...gateways.slice(first), ...gateways.slice(0, first)].join(","),
    };
    this.processes.agent.push(
      await breakable(agentId, () => this.#startMuster(agentId, args, env)),
    );
  }

  #startMuster(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    return startMusterChild({
      args,
      env,
      logFile: this.#log(name),
      pidsDir: join(this.home, "pids"),
      untilReady: false,
    });
  }

  /** Temporal and PostgreSQL behind proxies of its own. */
  async #serverEnv(name: "gateway" | "worker", temporalPort: number) {
    const database = new URL(this.#databaseUrl);
    const toTemporal = await startTcpProxy(temporalPort);
    const toPostgres = await startTcpProxy(Number(database.port));
    this.links[`${name}-temporal`].push(toTemporal);
    this.links[`${name}-postgres`].push(toPostgres);
    database.port = String(toPostgres.port);
    return {
      ...this.#env(),
      DATABASE_URL: database.href,
      TEMPORAL_ADDRESS: `127.0.0.1:${toTemporal.port}`,
    };
  }

  #env(): Readonly<Record<string, string>> {
    return {
      ...times,
      ...this.#options.env,
      MUSTER_HOME: this.home,
      MUSTER_HOST: "127.0.0.1",
      MUSTER_API_TOKEN: apiToken,
      MUSTER_JOIN_TOKEN: joinToken,
      LOG_LEVEL: this.#options.logLevel ?? "debug",
    };
  }

  #log(name: string): string {
    mkdirSync(join(this.home, "logs"), { recursive: true });
    return join(this.home, "logs", `${name}.log`);
  }
}
