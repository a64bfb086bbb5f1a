import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  admitUpdate,
  agentWorkflowId,
  operatorUpdates,
  pendingQuery,
} from "../../../src/workflows/agent-messages.ts";
import { searchAttributeKeys } from "../../../src/workflows/start-options.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, command, g1, useRig } from "./rig.ts";

const rig = useRig();
const via = { ...g1, epoch: 1 };

/** Runs of an agent's workflow, oldest first, with the length of their histories. */
async function runs(agent: AgentUnderTest) {
  const found = [];
  const query = `WorkflowId = "${agentWorkflowId(agent.agentId)}"`;
  for await (const run of rig.temporal.client.workflow.list({ query })) {
    const { historyLength, status } = await rig.temporal.client.workflow
      .getHandle(run.workflowId, run.runId)
      .describe();
    found.push({ runId: run.runId, historyLength, status: status.name, at: run.startTime });
  }
  return found.sort((a, b) => a.at.getTime() - b.at.getTime());
}

test("continue-as-new - under load nothing is lost, nothing done twice, and no run passes 1,000 events", async () => {
  const agent = new AgentUnderTest(rig, "load");
  await agent.connect();
  await agent.becomes("Up");
  // Waits through every renewal, and must still be there at the end.
  await agent.admit({ requestId: "patient", waitSeconds: 3_000, via });
  const seqs = new Set<number>();
  const settled: string[] = [];
  const total = 220;
  let next = 0;
  const caller = async () => {
    while (next < total) {
      const requestId = `r${next++}`;
      const one = command();
      const admitted = await agent.admit({ requestId, commands: [one], via });
      if (admitted.state !== "pending" || admitted.deliver !== "caller") {
        throw new Error(`${requestId}: ${JSON.stringify(admitted)}`);
      }
      seqs.add(admitted.request.seq);
      await agent.answer(admitted.request.seq, one.id);
      if (next % 3 === 0) await agent.ping();
      settled.push(requestId);
    }
  };
  await Promise.all(Array.from({ length: 8 }, caller));
  expect(seqs.size).toBe(total);
  for (const requestId of settled.slice(-50)) {
    expect(await agent.settled(requestId)).toMatchObject([{ result: true }]);
  }
  const waiting = await waitUntil("all are settled", async () => {
    const pending = await agent.handle.query(pendingQuery);
    return pending.length === 1 && pending;
  });
  expect(waiting[0]).toMatchObject({ requestId: "patient", seq: 1 });
  expect(agent.edge.eventTypes(agent.agentId)).not.toContain("lateAnswer");
  const histories = await waitUntil("it was renewed", async () => {
    const found = await runs(agent);
    return found.length > 1 && found;
  });
  for (const { historyLength } of histories) expect(historyLength).toBeLessThan(1_000);
  // Admitted in an earlier run: known to this one.
  const again = await agent.handle.executeUpdate(admitUpdate, {
    updateId: randomUUID(),
    args: [{ requestId: "patient", commands: [command()], onError: "stop", via }],
  });
  expect(again).toMatchObject({ state: "pending", request: { seq: 1 } });
});

test("continue-as-new - Answers that are on their way are waited for, so that they can't get in its way", async () => {
  const agent = new AgentUnderTest(rig, "answers");
  await agent.connect({ settings: { pingIntervalMs: 600_000 } });
  await agent.becomes("Up");
  const admit = async () => {
    const one = command();
    const admitted = await agent.admit({ commands: [one], via, waitSeconds: 3_000 });
    if (admitted.state !== "pending" || admitted.deliver !== "caller") throw new Error("not ours");
    return { seq: admitted.request.seq, commandId: one.id };
  };
  while ((await agent.historyLength()) < 485) {
    const { seq, commandId } = await admit();
    await agent.answer(seq, commandId);
  }
  // Past the number of events from which on it is renewed, with three Requests open.
  const open = [await admit(), await admit(), await admit()];
  for (const { seq, commandId } of open) await agent.answer(seq, commandId);
  const [first] = await waitUntil("it was renewed", async () => {
    const found = await runs(agent);
    return found.length > 1 && found;
  });
  const { events } = await rig.temporal.client.workflow
    .getHandle(agentWorkflowId(agent.agentId), first?.runId)
    .fetchHistory();
  const had = (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes);
  // One for each session and one for each Answer: none was left for the next run.
  expect(had).toHaveLength(1 + (open.at(-1)?.seq ?? 0));
  expect((events ?? []).some((event) => event.workflowTaskFailedEventAttributes)).toBe(false);
});

test("continue-as-new - a flood of pings is borne, and what the agent is stays", async () => {
  const agent = new AgentUnderTest(rig, "flood");
  await agent.connect();
  await agent.handle.executeUpdate(operatorUpdates.unmanage, { args: [{ by: "ada" }] });
  for (let burst = 0; burst < 16; burst++) {
    await Promise.all(Array.from({ length: 40 }, () => agent.ping()));
  }
  const histories = await waitUntil("it was renewed", async () => {
    const histories = await runs(agent);
    return histories.length > 1 && histories;
  });
  for (const { historyLength } of histories) expect(historyLength).toBeLessThan(1_000);
  expect(await agent.view()).toMatchObject({
    status: "Up",
    resourceState: "Unmanaged",
    epoch: 1,
    host: { zone: "z1" },
  });
  const { typedSearchAttributes } = await agent.handle.describe();
  const shown = Object.values(searchAttributeKeys).map((key) => typedSearchAttributes.get(key));
  expect(shown).toEqual(["Up", "Unmanaged", "z1", "c1", "g1", "simulator"]);
});

test("continue-as-new - an Update that comes last before a renewal keeps its deadline", async () => {
  const agent = new AgentUnderTest(rig, "last-update");
  await agent.connect({ settings: { pingIntervalMs: 600_000 } });
  await agent.becomes("Up");
  while ((await agent.historyLength()) < 490) {
    const one = command();
    const admitted = await agent.admit({ commands: [one], via, waitSeconds: 3_000 });
    if (admitted.state !== "pending" || admitted.deliver !== "caller") throw new Error("not ours");
    await agent.answer(admitted.request.seq, one.id);
  }
  await agent.admit({ via, waitSeconds: 3_000 });
  await agent.admit({ requestId: "last", via, waitSeconds: 1 });
  // Nothing else comes: the deadline alone must be met, in the old run or in the new one.
  expect(await agent.settled("last")).toMatchObject([{ outcome: "unknown" }]);
  await waitUntil("it was renewed", async () => (await runs(agent)).length > 1);
});

test("continue-as-new - open deadlines go on where they were", async () => {
  const agent = new AgentUnderTest(rig, "deadlines");
  await agent.connect({ settings: { alertWaitMs: 3_000, pingIntervalMs: 600_000 } });
  await agent.admit({ requestId: "r1", via, waitSeconds: 3 });
  await agent.disconnect({ type: "socketLost", details: "closed" });
  await agent.becomes("Disconnected");
  for (let burst = 0; burst < 14; burst++) {
    await Promise.all(Array.from({ length: 40 }, () => agent.ping({ epoch: 0 })));
  }
  expect(await agent.settled("r1")).toMatchObject([{ outcome: "unknown" }]);
  await agent.becomes("Alert");
  await waitUntil("it was renewed", async () => (await runs(agent)).length > 1);
});

test("the read model - its absence holds nobody up, and every event arrives in the end, in order", async () => {
  const agent = new AgentUnderTest(rig, "record");
  rig.edge.recordFails = { local: true, normal: true };
  await agent.connect();
  await agent.becomes("Up");
  const admitted = await agent.admit({ via });
  expect(admitted).toMatchObject({ state: "pending", deliver: "caller" });
  await agent.connect({ epoch: 2 });
  await agent.disconnect({ type: "goodbye", reason: "upgrade" }, 2);
  await agent.becomes("Disconnected");
  expect(agent.edge.events(agent.agentId)).toEqual([]);
  rig.edge.recordFails = { local: true, normal: false };
  const events = await agent.saw("connected", "connected", "disconnected");
  expect(events.map(({ no }) => no)).toEqual(events.map((_, index) => index + 1));
  rig.edge.recordFails = { local: false, normal: false };
});
