import { expect, test } from "vitest";
import { searchAttributeKeys } from "../../../src/workflows/start-options.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, calm, g1, useRig } from "./rig.ts";

const rig = useRig();

test("agentLifecycle - a first connect brings the agent Up and enables it", async () => {
  const agent = new AgentUnderTest(rig, "first");
  await agent.connect();
  const view = await agent.becomes("Up");
  expect(view).toMatchObject({
    agentId: agent.agentId,
    resourceState: "Enabled",
    epoch: 1,
    session: { ...g1, epoch: 1 },
    settings: calm,
    pendingRequests: 0,
  });
  await agent.saw("resourceState", "connected", "status");
  const record = rig.edge.records.find(({ agentId }) => agentId === agent.agentId);
  expect(record).toMatchObject({ status: "Up", epoch: 1, session: g1 });
});

test("agentLifecycle - a connect is one workflow task: the message, the record, the timer", async () => {
  const agent = new AgentUnderTest(rig, "cost");
  await agent.connect();
  await agent.saw("connected", "status");
  await waitUntil("the first task is complete", async () =>
    (await agent.history()).includes("timerStartedEventAttributes"),
  );
  const first = await agent.historyLength();
  await agent.connect({ epoch: 2 });
  await agent.saw("connected", "connected");
  await waitUntil(
    "the second task is complete",
    async () => (await agent.historyLength()) >= first + 5,
  );
  expect((await agent.history()).slice(first)).toEqual([
    "workflowExecutionSignaledEventAttributes",
    "workflowTaskScheduledEventAttributes",
    "workflowTaskStartedEventAttributes",
    "workflowTaskCompletedEventAttributes",
    "markerRecordedEventAttributes",
  ]);
});

test("agentLifecycle - search attributes given at the start are not set again, and follow changes", async () => {
  const agent = new AgentUnderTest(rig, "search");
  await agent.connect();
  await agent.saw("status");
  const { typedSearchAttributes } = await agent.handle.describe();
  expect(typedSearchAttributes.get(searchAttributeKeys.status)).toBe("Up");
  expect(typedSearchAttributes.get(searchAttributeKeys.gateway)).toBe("g1");
  expect(await agent.history()).not.toContain("upsertWorkflowSearchAttributesEventAttributes");
  await agent.disconnect({ type: "goodbye", reason: "stop" });
  await agent.becomes("Disconnected");
  await waitUntil("the search attributes follow", async () => {
    const shown = (await agent.handle.describe()).typedSearchAttributes;
    return (
      shown.get(searchAttributeKeys.status) === "Disconnected" &&
      shown.get(searchAttributeKeys.gateway) === undefined
    );
  });
});

test("agentLifecycle - messages of older sessions change nothing", async () => {
  const agent = new AgentUnderTest(rig, "epochs");
  await agent.connect({ epoch: 3 });
  await agent.connect({ epoch: 5, gateway: { gatewayId: "g2", incarnation: "run-7" } });
  await agent.disconnect({ type: "socketLost", details: "closed" }, 3);
  await agent.connect({ epoch: 4 });
  await agent.saw("connected", "connected", "messageIgnored");
  expect(await agent.view()).toMatchObject({
    status: "Up",
    epoch: 5,
    session: { gatewayId: "g2", epoch: 5 },
  });
});

test("agentLifecycle - the end of a session that overtakes its beginning still ends it", async () => {
  const agent = new AgentUnderTest(rig, "overtaken");
  await agent.connect();
  await agent.becomes("Up");
  await agent.disconnect({ type: "socketLost", details: "closed" }, 2);
  await agent.connect({ epoch: 2 });
  const view = await agent.becomes("Disconnected");
  expect(view.epoch).toBe(2);
});

test("agentLifecycle - a workflow that replaces a lost one numbers its events above the old ones", async () => {
  const agent = new AgentUnderTest(rig, "replaced");
  await agent.connect({ epoch: 7 });
  const events = await agent.saw("connected");
  expect(events[0]?.no).toBeGreaterThan(7_000_000);
});

test("agentLifecycle - rubbish in signals is survived, and named", async () => {
  const agent = new AgentUnderTest(rig, "rubbish");
  await agent.connect();
  const signals: readonly (readonly [string, ...unknown[]])[] = [
    ["connected"],
    ["connected", "nonsense"],
    ["connected", { epoch: "9", gateway: null }],
    ["ping", null],
    ["ping", { epoch: 1, lastPingAgoMs: "soon", vouchForMs: 0 }],
    ["answer", { seq: 1, answers: "none" }],
    ["undelivered", []],
    ["disconnect", { epoch: 1, cause: { type: "boredom" } }],
    ["gatewayLost", 42],
    ["noSuchSignal", { a: 1 }],
    ["reconnect", "please"],
    ["disable"],
  ];
  for (const [name, ...args] of signals) await agent.handle.signal(name, ...args);
  await waitUntil(
    "the last signal is acted on",
    async () => (await agent.view()).resourceState === "Disabled",
  );
  const events = await agent.saw("messageIgnored");
  const texts = events.filter(({ type }) => type === "messageIgnored").map(({ text }) => text);
  expect(texts).toHaveLength(10);
  expect(texts.at(-1)).toContain("noSuchSignal");
  expect((await agent.view()).status).toBe("Disconnected");
});

test("agentLifecycle - the Temporal UI shows the agent in words", async () => {
  const agent = new AgentUnderTest(rig, "details");
  await agent.connect();
  await agent.becomes("Up");
  const metadata = await agent.handle.query<{ currentDetails?: string }>(
    "__temporal_workflow_metadata",
  );
  expect(metadata.currentDetails).toContain(`## ${agent.agentId}: Up, Enabled`);
  expect(metadata.currentDetails).toContain("session 1 on gateway g1");
  expect(await (await agent.handle.describe()).staticSummary()).toContain("simulator host");
});
