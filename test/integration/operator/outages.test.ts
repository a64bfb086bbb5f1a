/** What operators are told while a part of the manager is away. */
import { Worker } from "@temporalio/worker";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRecordAgent } from "../../../src/activities/record-agent.ts";
import { installRuntime } from "../../../src/temporal/index.ts";
import {
  agentWorkflowId,
  lifecycleTaskQueue,
  stateQuery,
} from "../../../src/workflows/agent-messages.ts";
import { workflowBundle } from "../../helpers/bundle.ts";
import { useDatabase } from "../../helpers/database.ts";
import { startTcpProxy, type TcpProxy } from "../../helpers/tcp-proxy.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { TestAgent } from "../gateway/test-agent.ts";
import { joinToken, testConfig } from "../gateway/test-gateway.ts";
import {
  answering,
  apiToken,
  callApi,
  startOperatorGateway,
  type OperatorGateway,
} from "./operator-rig.ts";

const database = useDatabase();
const temporal = useTemporal();
let gateway: OperatorGateway;
let postgres: TcpProxy;
let agent: TestAgent;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  await installRuntime(pino({ level: "silent" }));
  const worker = await Worker.create({
    connection: await temporal.nativeConnection(),
    namespace: temporal.namespace,
    taskQueue: lifecycleTaskQueue,
    workflowBundle: await workflowBundle(),
    activities: { recordAgent: createRecordAgent({ db: database.pool }) },
    enableNonLocalActivities: false,
  });
  const running = worker.run();
  let stopped: Promise<void> | undefined;
  stopWorker = () => {
    if (stopped === undefined) worker.shutdown();
    return (stopped ??= running);
  };
  const url = new URL(database.url);
  postgres = await startTcpProxy(Number(url.port), url.hostname);
  url.hostname = "127.0.0.1";
  url.port = String(postgres.port);
  gateway = await startOperatorGateway(
    testConfig(temporal, url.href, { MUSTER_API_TOKEN: apiToken }),
  );
  agent = await TestAgent.connect(gateway.agentUrl, { joinToken });
  answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true }));
  const handle = temporal.client.workflow.getHandle(agentWorkflowId(agent.agentId));
  await waitUntil("Up", async () => (await handle.query(stateQuery)).status === "Up");
  await waitUntil("the row says so", async () => {
    const { body } = await callApi(gateway.apiUrl, "GET", `agents/${agent.agentId}`);
    return body["status"] === "Up";
  });
});
afterAll(async () => {
  agent.close();
  await stopWorker();
  postgres.refuse(false);
  await gateway.stop();
  await postgres.close();
});

it("the workers are away - the row is shown and the lifecycle called stale; verbs fail; the direct lane works", async () => {
  await stopWorker();
  const path = `agents/${agent.agentId}`;
  const shown = await callApi(gateway.apiUrl, "GET", path);
  expect(shown).toMatchObject({
    status: 200,
    body: { status: "Up", lifecycle: null, stale: [{ part: "lifecycle" }] },
  });
  const row = await callApi(gateway.apiUrl, "GET", `${path}?live=false`);
  expect(row).toMatchObject({ status: 200, body: { lifecycle: null, stale: [] } });
  const verb = await callApi(gateway.apiUrl, "POST", `${path}/disable`);
  expect(verb).toMatchObject({ status: 503, body: { code: "MANAGER_UNAVAILABLE" } });
  expect(verb.body["detail"]).toContain("Idempotency-Key");
  const commands = [{ type: "ListVms" }];
  const asked = await callApi(gateway.apiUrl, "POST", `${path}/commands`, {
    commands,
    lane: "direct",
  });
  expect(asked).toMatchObject({ status: 200, body: { answers: [{ result: true }] } });
  const sent = await callApi(gateway.apiUrl, "POST", `${path}/commands`, {
    commands,
    waitSeconds: 0.5,
  });
  expect(sent).toMatchObject({
    status: 200,
    body: { answers: [{ type: "ErrorAnswer", outcome: "unknown" }] },
  });
});

it("PostgreSQL is away - says so, with 503", async () => {
  postgres.refuse(true);
  postgres.cut();
  const listed = await callApi(gateway.apiUrl, "GET", "agents");
  expect(listed).toMatchObject({ status: 503, body: { code: "MANAGER_UNAVAILABLE" } });
  expect(String(listed.body["detail"])).toContain("PostgreSQL");
});
