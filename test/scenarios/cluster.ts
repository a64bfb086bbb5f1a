/** Muster's real processes on a database and a Temporal namespace of their own, with short times, for scenarios. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { useDatabase, type TestDatabase } from "../helpers/database.ts";
import { startMuster, type MusterProcess } from "../helpers/processes.ts";
import { useTemporal, type TestTemporal } from "../helpers/temporal.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** Short enough for a test, long enough for two busy cores. */
const defaults = {
  MUSTER_PING_INTERVAL_MS: "1000",
  MUSTER_PING_TIMEOUT_MULTIPLIER: "2.5",
  MUSTER_RECONNECT_GRACE_MS: "1000",
  MUSTER_INVESTIGATE_RETRY_MS: "2000",
  MUSTER_ALERT_WAIT_MS: "600000",
  MUSTER_RELAY_BUDGET_PER_SECOND: "100",
};
const apiToken = "scenario-api-token-0123456789";
export const joinToken = "scenario-join-token-0123456789";

export interface AgentDetails {
  readonly id: string;
  readonly status: string;
  readonly statusReason: string;
  readonly resourceState: string;
  readonly epoch: number | null;
  readonly gatewayId: string | null;
  readonly braked?: boolean;
}
export interface EventLine {
  readonly type: string;
  readonly text: string;
  readonly epoch: number;
}
export interface CommandAnswer {
  readonly type: string;
  readonly commandId: string;
  readonly result: boolean;
  readonly outcome?: string;
  readonly errorCode?: string;
  readonly details?: string;
  readonly [field: string]: unknown;
}
export interface Gateway extends MusterProcess {
  readonly agentUrl: string;
  readonly apiUrl: string;
}

/** The processes of one scenario file. Everything is ended after the file's tests. */
export class Cluster {
  readonly #env: () => Readonly<Record<string, string>>;
  readonly #processes: MusterProcess[] = [];
  #apiUrl = "";
  #gatewaysStarted = 0;

  constructor(env: () => Readonly<Record<string, string>>) {
    this.#env = env;
  }

  async startWorker(): Promise<MusterProcess> {
    return await this.#start(["worker"], { env: { ...this.#env(), MUSTER_WORKER_PORT: "0" } });
  }

  /** Starts a gateway, which calls of the API go to from then on; on the ports of `again` when it takes the place of one that was killed. */
  async startGateway(gatewayId: string, again?: Gateway): Promise<Gateway> {
    const number = ++this.#gatewaysStarted;
    const process = await this.#start(["gateway"], {
      env: {
        ...this.#env(),
        MUSTER_GATEWAY_ID: gatewayId,
        MUSTER_AGENT_PORT: again === undefined ? "0" : new URL(again.agentUrl).port,
        MUSTER_API_PORT: again === undefined ? "0" : new URL(again.apiUrl).port,
      },
    });
    const ready = process.ready as { agentUrl: string; apiUrl: string };
    const [agentUrl, apiUrl] = [onLoopback(ready.agentUrl), onLoopback(ready.apiUrl)];
    // Of those that start together the last one, whichever is ready first.
    if (number === this.#gatewaysStarted) this.#apiUrl = apiUrl;
    return { ...process, agentUrl, apiUrl };
  }

  /** Calls go to this gateway from now on. */
  useApi({ apiUrl }: Gateway): void {
    this.#apiUrl = apiUrl;
  }

  /** Starts an agent container with one resource. */
  async startAgent(
    agentId: string,
    gateways: readonly string[],
    options: { home: string; resource?: string; config?: unknown },
  ): Promise<MusterProcess> {
    return await this.#start(
      [
        ...["agent", "--id", agentId, "--zone", "zone-1", "--cluster", "cluster-1"],
        ...["--resource", options.resource ?? "simulator"],
        ...(options.config === undefined ? [] : ["--config", JSON.stringify(options.config)]),
      ],
      { env: { ...this.#env(), MUSTER_HOME: options.home, MUSTER_GATEWAYS: gateways.join(",") } },
    );
  }

  /** Starts many simulated agents in one process. */
  async startSimulators(
    count: number,
    gateways: readonly string[],
    config: unknown = {},
  ): Promise<MusterProcess> {
    const args = ["sim", "--agents", String(count), "--config", JSON.stringify(config)];
    return await this.#start(args, {
      env: { ...this.#env(), MUSTER_GATEWAYS: gateways.join(",") },
    });
  }

  /** Ends everything that still runs, agents first: they would only go looking for their gateway. */
  async stop(): Promise<void> {
    for (const process of this.#processes.reverse()) await process.stop();
  }

  async #start(...[args, options]: Parameters<typeof startMuster>): Promise<MusterProcess> {
    const process = await startMuster(args, options);
    this.#processes.push(process);
    return process;
  }

  /** One call of the operator API. */
  async call(method: string, path: string, body?: unknown, apiUrl = this.#apiUrl) {
    const response = await fetch(`${apiUrl}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiToken}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  async agent(agentId: string): Promise<AgentDetails> {
    return (await this.call("GET", `agents/${agentId}`)).body as AgentDetails;
  }

  async events(agentId: string): Promise<readonly EventLine[]> {
    const { body } = await this.call("GET", `agents/${agentId}/events`);
    return (body as { events: readonly EventLine[] }).events;
  }

  /** Sends Commands on the durable lane; gives their Answers. */
  async send(
    agentId: string,
    commands: readonly { readonly type: string; readonly [field: string]: unknown }[],
    options: { waitSeconds?: number; requestId?: string; onError?: string } = {},
  ): Promise<readonly CommandAnswer[]> {
    const { status, body } = await this.call("POST", `agents/${agentId}/commands`, {
      commands,
      ...options,
    });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return (body as { answers: readonly CommandAnswer[] }).answers;
  }

  async untilStatus(agentId: string, status: string, timeoutMs = 60_000): Promise<AgentDetails> {
    let last: AgentDetails | undefined;
    try {
      return await waitUntil(
        `${agentId} is ${status}`,
        async () => {
          last = await this.agent(agentId);
          return last.status === status && last;
        },
        { timeoutMs, everyMs: 100 },
      );
    } catch (error) {
      throw new Error(`${agentId} is not ${status}: ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** Waits until that many agents are Up, in session `epoch` or a later one. */
  async untilUp(count: number, epoch = 1, timeoutMs = 120_000): Promise<void> {
    await waitUntil(
      `${count} agents are Up`,
      async () => {
        const { body } = await this.call("GET", "agents?status=Up&limit=1000");
        const { agents } = body as { agents: readonly AgentDetails[] };
        return agents.filter((agent) => (agent.epoch ?? 0) >= epoch).length >= count;
      },
      { timeoutMs, everyMs: 250 },
    );
  }
}

/** Whatever name the gateway tells its agents, it listens here. */
function onLoopback(advertised: string): string {
  const url = new URL(advertised);
  url.hostname = "127.0.0.1";
  return url.href.replace(/\/$/, "");
}

/** A cluster for this file, and a folder for what its agents keep. `env` overrides the short times, and the rest. */
export function useCluster(env: () => Readonly<Record<string, string>> = () => ({})): {
  readonly cluster: Cluster;
  readonly home: () => string;
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  /** What its processes are started with. */
  readonly env: () => Readonly<Record<string, string>>;
} {
  const database = useDatabase();
  const temporal = useTemporal();
  let home = "";
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "muster-scenario-"));
  });
  afterAll(async () => {
    await rm(home, { recursive: true, force: true });
  });
  const whole = (): Readonly<Record<string, string>> => ({
    ...defaults,
    MUSTER_HOME: home,
    MUSTER_HOST: "127.0.0.1",
    MUSTER_API_TOKEN: apiToken,
    MUSTER_JOIN_TOKEN: joinToken,
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    LOG_LEVEL: "info",
    ...env(),
  });
  const cluster = new Cluster(whole);
  // Hooks run last first: the processes end before their database is dropped.
  afterAll(() => cluster.stop());
  return { cluster, home: () => home, database, temporal, env: whole };
}
