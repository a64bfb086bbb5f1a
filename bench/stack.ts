/** What a bench runs on: its own Temporal and PostgreSQL, and Muster's processes as they ship. Everything ends with the bench. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import { loadConfig } from "../src/config/index.ts";
import { countByStatus, listAgents, openPool, type Pool } from "../src/db/index.ts";
import { startGuard } from "../src/local/guard.ts";
import { createLog } from "../src/telemetry/log.ts";
import { connectClient } from "../src/temporal/index.ts";
import { runSetup } from "../src/worker/setup/run-setup.ts";
import type { Watched } from "./cpu.ts";
import { noteChildrenIn, startNode, type Child } from "./processes.ts";
import { BenchServers, pidsIn } from "./servers.ts";

/** Tells a person what goes on; on stderr, so that stdout stays for the result. */
export type Progress = (text: string) => void;

export interface BenchGateway {
  readonly id: string;
  readonly agentUrl: string;
  readonly apiUrl: string;
  readonly child: Child;
}

const cli = new URL("../dist/cli/main.js", import.meta.url);

/** Servers, and the means to start Muster's processes on them. */
export class BenchStack {
  readonly apiToken = randomBytes(24).toString("base64url");
  readonly joinToken = randomBytes(24).toString("base64url");
  readonly namespace = "default";
  readonly temporalAddress: string;
  readonly temporal: Client;
  readonly db: Pool;
  readonly servers: BenchServers;
  readonly #env: Readonly<Record<string, string>>;
  readonly #managers: Child[] = [];
  readonly #agents: Child[] = [];
  readonly #watched: Record<string, number | undefined>;

  constructor(home: string, servers: BenchServers, temporal: Client) {
    const { address } = servers.temporal;
    const { url } = servers.postgres;
    this.servers = servers;
    this.#watched = {};
    this.temporalAddress = address;
    this.temporal = temporal;
    this.db = openPool(url, { max: 4, applicationName: "muster-bench" });
    this.#env = {
      MUSTER_HOME: home,
      MUSTER_HOST: "127.0.0.1",
      MUSTER_AGENT_PORT: "0",
      MUSTER_API_PORT: "0",
      MUSTER_WORKER_PORT: "0",
      MUSTER_GATEWAY_ID: "bench-gateway",
      MUSTER_API_TOKEN: this.apiToken,
      MUSTER_JOIN_TOKEN: this.joinToken,
      // A storm of connects is what is measured; in operation the limit spreads it out.
      MUSTER_HANDSHAKES_MAX: "1000",
      DATABASE_URL: url,
      TEMPORAL_ADDRESS: address,
      LOG_LEVEL: "error",
    };
  }

  /** The processes whose CPU time is told beside the rates. */
  get watched(): Watched {
    const { temporal, postgres } = this.servers;
    return { temporal: temporal.pid, postgres: postgres.pid, ...this.#watched };
  }

  /** Starts a worker process for lifecycles and activities. */
  async startWorker(): Promise<Child> {
    return await this.#start(["worker"]);
  }

  /** Starts a gateway process on ports of its own. */
  async startGateway(
    gatewayId = "bench-gateway",
    env: Readonly<Record<string, string>> = {},
  ): Promise<BenchGateway> {
    const own = { ...env, MUSTER_GATEWAY_ID: gatewayId };
    const child = await this.#start(["gateway"], own, gatewayId);
    const ready = JSON.parse(child.readyLine) as BenchGateway;
    return { id: gatewayId, agentUrl: ready.agentUrl, apiUrl: ready.apiUrl, child };
  }

  /**
   * Starts one process of simulated agents; resolves when all have been connected.
   * @param gateways in the order in which its agents try them.
   */
  async startSimulators(
    gateways: BenchGateway | readonly BenchGateway[],
    agents: number,
    { prefix = "sim", connectsPerSecond = 200 } = {},
  ): Promise<Child> {
    return await this.#start(
      [
        ...["sim", "--agents", String(agents), "--prefix", prefix],
        ...["--rate", String(connectsPerSecond)],
      ],
      {
        MUSTER_GATEWAYS: [gateways]
          .flat()
          .map(({ agentUrl }) => agentUrl)
          .join(","),
      },
      prefix,
    );
  }

  /** How many agents are Up in the read model. */
  async countUp(): Promise<number> {
    return (await countByStatus(this.db)).get("Up") ?? 0;
  }

  /** Waits until that many agents are Up in the read model; gives their ids. */
  async agentsUp(count: number): Promise<readonly string[]> {
    while ((await this.countUp()) < count) await sleep(200);
    const up = await listAgents(this.db, { status: "Up", limit: count });
    return up.map((agent) => agent.id);
  }

  /** Waits until the event log shows session `epoch` of that many agents whose ids begin so. */
  async connectedEvents(prefix: string, epoch: number, count: number): Promise<void> {
    for (;;) {
      const { rows } = await this.db.query<{ count: number }>(
        `SELECT count(*) AS count FROM events WHERE type = 'connected' AND epoch = $1 AND starts_with(agent_id, $2)`,
        [epoch, `${prefix}-`],
      );
      if ((rows[0]?.count ?? 0) >= count) return;
      await sleep(10);
    }
  }

  /** Kills all gateways and workers at once; the agents stay. */
  async stopManagers(): Promise<void> {
    await Promise.all(this.#managers.splice(0).map((child) => child.stop()));
  }

  /** Ends all processes and what this side holds open. */
  async close(): Promise<void> {
    // Agents first: a gateway that ends under them would only be reconnected to.
    for (const child of this.#agents) await child.stop();
    for (const child of this.#managers.toReversed()) await child.stop();
    await this.db.end();
  }

  async #start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    name = args[0] ?? "",
  ): Promise<Child> {
    const child = await startNode(cli, [...args, "--json"], { ...this.#env, ...env });
    (args[0] === "sim" ? this.#agents : this.#managers).push(child);
    this.#watched[name] = child.process.pid;
    return child;
  }
}

/** Brings servers up, runs `work` on them, and takes everything down. */
export async function withStack<T>(
  progress: Progress,
  work: (stack: BenchStack) => Promise<T>,
): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), "muster-bench-"));
  // A bench that is killed must not leave servers behind.
  const guard = startGuard(pidsIn(home), home);
  noteChildrenIn(pidsIn(home));
  const log = createLog("bench", "error");
  progress("starting Temporal and PostgreSQL");
  const servers = await BenchServers.start(home);
  const config = loadConfig({
    DATABASE_URL: servers.postgres.url,
    TEMPORAL_ADDRESS: servers.temporal.address,
  });
  await runSetup(config, log);
  const { client, connection } = await connectClient(config, log, new AbortController().signal);
  const stack = new BenchStack(home, servers, client);
  try {
    return await work(stack);
  } finally {
    progress("stopping");
    await stack.close();
    await connection.close();
    await servers.stop();
    await guard.dismiss();
    await rm(home, { recursive: true, force: true });
  }
}
