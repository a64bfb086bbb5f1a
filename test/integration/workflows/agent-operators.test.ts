import { setTimeout as sleep } from "node:timers/promises";
import { WorkflowUpdateFailedError } from "@temporalio/client";
import { Worker } from "@temporalio/worker";
import { expect, test } from "vitest";
import {
  configureUpdate,
  operatorSignals,
  operatorUpdates,
} from "../../../src/workflows/agent-messages.ts";
import type { OperatorVerb } from "../../../src/workflows/agent-messages.ts";
import { workflowBundle } from "../../helpers/bundle.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, command, useRig } from "./rig.ts";

const rig = useRig();

async function connected(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  await agent.connect();
  await agent.becomes("Up");
  return agent;
}

function ask(agent: AgentUnderTest, verb: OperatorVerb) {
  return agent.handle.executeUpdate(operatorUpdates[verb], {
    args: [{ by: "ada", reason: "test" }],
  });
}

test("operators' verbs - disable, enable, unmanage and manage move the ResourceState", async () => {
  const agent = await connected("states");
  expect((await ask(agent, "disable")).resourceState).toBe("Disabled");
  expect((await ask(agent, "enable")).resourceState).toBe("Enabled");
  expect((await ask(agent, "unmanage")).resourceState).toBe("Unmanaged");
  await expect(ask(agent, "enable")).rejects.toThrow(WorkflowUpdateFailedError);
  expect((await ask(agent, "manage")).resourceState).toBe("Enabled");
});

test("operators' verbs - the same words work as bare signals; a refused one is noted", async () => {
  const agent = await connected("signals");
  await agent.handle.signal(operatorSignals.disable);
  await agent.handle.signal(operatorSignals.manage);
  const events = await agent.saw("resourceState", "resourceState", "refused");
  expect(events.at(-1)?.text).toContain("manage refused");
  expect((await agent.view()).resourceState).toBe("Disabled");
});

test("operators' verbs - reconnect ends the session; without one it is refused", async () => {
  const agent = await connected("reconnect");
  expect(await ask(agent, "reconnect")).toMatchObject({ status: "Disconnected" });
  await waitUntil("the session is closed", () =>
    agent.edge
      .callsOf("closeSession", agent.agentId)
      .some(({ args }) => args["why"] === "reconnect" && args["epoch"] === 1),
  );
  await expect(ask(agent, "reconnect")).rejects.toThrow(WorkflowUpdateFailedError);
  await agent.connect({ epoch: 2 });
  await agent.becomes("Up");
});

test("operators' verbs - remove settles what waits, closes the session and ends the workflow for good", async () => {
  const agent = await connected("remove");
  await agent.admit({
    requestId: "r1",
    via: { gatewayId: "g1", incarnation: "run-1", epoch: 1 },
  });
  expect(await ask(agent, "remove")).toMatchObject({ status: "Removed" });
  await agent.handle.result();
  expect(await agent.settled("r1")).toMatchObject([
    { errorCode: "AGENT_REMOVED", outcome: "unknown" },
  ]);
  expect(agent.edge.callsOf("closeSession", agent.agentId)).toMatchObject([
    { args: { why: "removed" } },
  ]);
  expect(agent.edge.callsOf("reply", agent.agentId)).toHaveLength(1);
  expect(rig.edge.records.findLast(({ agentId }) => agentId === agent.agentId)?.status).toBe(
    "Removed",
  );
  await expect(agent.connect({ epoch: 2 })).rejects.toThrow();
});

test("configure - an agent's own settings count at once, tell its gateway, and outlive a reconnect", async () => {
  const agent = await connected("configure");
  const result = await agent.handle.executeUpdate(configureUpdate, {
    args: [{ pingIntervalMs: 5_000, by: "ada" }],
  });
  expect(result.details).toContain("5000 ms");
  await waitUntil(
    "the gateway is told",
    () => agent.edge.callsOf("applySettings", agent.agentId).length === 1,
  );
  await agent.connect({ epoch: 2 });
  const view = await waitUntil("the new session is there", async () => {
    const view = await agent.view();
    return view.epoch === 2 && view;
  });
  expect(view.settings.pingIntervalMs).toBe(5_000);
  await agent.saw("configured", "connected");
  expect(rig.edge.records.findLast(({ agentId }) => agentId === agent.agentId)).toMatchObject({
    pingIntervalMs: 5_000,
  });
  await expect(
    agent.handle.executeUpdate(configureUpdate, { args: [{ pingIntervalMs: 1 }] }),
  ).rejects.toThrow(WorkflowUpdateFailedError);
});

test("a verb by signal and an Update in one workflow task - the history replays", async () => {
  // Both wait for the workflow task that this keeps open.
  rig.edge.recordAgent = async (_way, record) => {
    await sleep(400);
    rig.edge.records.push(record);
  };
  const inOneTask =
    /enterMaintenance workflowTaskScheduled workflowTaskStarted workflowTaskCompleted (markerRecorded |upsert\w+ )*workflowExecutionUpdateAccepted/;
  const handle = await waitUntil("both came with one task", async () => {
    const agent = await connected("verb-and-update");
    await agent.handle.signal("noSuchSignal");
    const maintenance = agent.handle.signal(operatorSignals.enterMaintenance, { policy: "stop" });
    const admitted = agent.admit({ commands: [command("StopVm")], waitSeconds: 5 });
    await Promise.all([maintenance, admitted]);
    const { events } = await agent.handle.fetchHistory();
    const steps = (events ?? []).map(
      ({ workflowExecutionSignaledEventAttributes: signal, ...event }) => {
        const attributes = Object.keys(event).find((key) => key.endsWith("EventAttributes")) ?? "";
        return signal?.signalName ?? attributes.replace("EventAttributes", "");
      },
    );
    return inOneTask.test(steps.join(" ")) && agent.handle;
  });
  const replayed = Worker.runReplayHistory(
    { workflowBundle: await workflowBundle() },
    await handle.fetchHistory(),
    handle.workflowId,
  );
  await expect(replayed).resolves.toBeUndefined();
});
