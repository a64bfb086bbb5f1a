/** A real gateway with its operator API, real agents' sockets, PostgreSQL, Temporal and a worker, for the tests of a file. */
import { afterAll, afterEach, beforeAll } from "vitest";
import { runGateway } from "../../../src/gateway/run.ts";
import { agentWorkflowId, stateQuery } from "../../../src/workflows/agent-messages.ts";
import { useDatabase, type TestDatabase } from "../../helpers/database.ts";
import { useTemporal, type TestTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { TestAgent, type Hello, type Seen } from "../gateway/test-agent.ts";
import {
  joinToken,
  keepLog,
  testConfig,
  useWorker,
  type LogLine,
} from "../gateway/test-gateway.ts";

export const apiToken = "api-token-of-the-tests";

export interface OperatorGateway {
  readonly agentUrl: string;
  readonly apiUrl: string;
  readonly gatewayId: string;
  readonly lines: readonly LogLine[];
  readonly stop: () => Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface OperatorRig {
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  readonly gateway: OperatorGateway;
  /** Another gateway of the same cluster, or one on the ports of an earlier one. */
  readonly startGateway: (env?: Record<string, string>) => Promise<OperatorGateway>;
  /** An agent that answers all that it is asked as `answers` says; Up when this resolves. */
  readonly connect: (hello?: Hello, gateway?: OperatorGateway) => Promise<TestAgent>;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Reply>;
}

export function useOperatorRig(): OperatorRig {
  const database = useDatabase();
  const temporal = useTemporal();
  useWorker(temporal, database);
  const agents: TestAgent[] = [];
  const gateways: OperatorGateway[] = [];
  let gateway: OperatorGateway | undefined;

  const startGateway = async (env: Record<string, string> = {}): Promise<OperatorGateway> => {
    const settings = { MUSTER_API_TOKEN: apiToken, ...env };
    const started = await startOperatorGateway(testConfig(temporal, database.url, settings));
    gateways.push(started);
    return started;
  };
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterEach(() => {
    for (const agent of agents.splice(0)) agent.close();
  });
  afterAll(async () => {
    await Promise.all(gateways.map((one) => one.stop()));
  });
  const known = (): OperatorGateway => {
    if (gateway === undefined) throw new Error("The gateway is there once beforeAll has run.");
    return gateway;
  };
  return {
    database,
    temporal,
    get gateway() {
      return known();
    },
    startGateway,
    connect: async (hello = {}, at = known()) => {
      const agent = await TestAgent.connect(at.agentUrl, { joinToken, ...hello });
      agents.push(agent);
      const id = agent.ping();
      await agent.next("a PingAnswer", (frame) => frame.answers?.[0]?.commandId === id);
      const handle = temporal.client.workflow.getHandle(agentWorkflowId(agent.agentId));
      await waitUntil("Up", async () => (await handle.query(stateQuery)).status === "Up");
      return agent;
    },
    call: async (method, path, body) => await callApi(known().apiUrl, method, path, body),
  };
}

/** Starts a gateway on settings of the test's own. */
export async function startOperatorGateway(
  config: ReturnType<typeof testConfig>,
): Promise<OperatorGateway> {
  const stop = new AbortController();
  const { log, lines } = keepLog();
  let addresses: { agentUrl: string; apiUrl: string } | undefined;
  let failure: unknown;
  const running = runGateway(config, log, stop.signal, (ready) => {
    addresses = ready;
  }).catch((error: unknown) => {
    failure = error;
  });
  const { agentUrl, apiUrl } = await waitUntil("the gateway is ready", () => {
    if (failure !== undefined) throw failure as Error;
    return addresses;
  });
  return {
    agentUrl,
    apiUrl,
    gatewayId: config.gatewayId,
    lines,
    stop: async () => {
      stop.abort();
      await running;
      if (failure !== undefined) throw failure as Error;
    },
  };
}

/** One call of the operator API, with the right token. */
export async function callApi(
  apiUrl: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  const response = await fetch(`${apiUrl}/api/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${apiToken}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Reply["body"],
  };
}

/** Answers every Request that comes from now on with what `answer` gives for each Command; undefined: says nothing. */
export function answering(
  agent: TestAgent,
  answer: (command: { readonly type: string; readonly id: string }) => Seen | object | undefined,
): void {
  agent.socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString("utf8")) as Seen;
    if (frame.kind !== "request" || frame.lane === "session") return;
    const answers = (frame.commands ?? []).map(answer);
    if (answers.every((one) => one !== undefined)) {
      agent.respond(frame, answers as Readonly<Record<string, unknown>>[]);
    }
  });
}
