/** What is known of a Request while it goes on: that it was cancelled, the Answers that are there, that it was forgotten. */
import { describe, expect, test } from "vitest";
import {
  cancelUpdate,
  operatorUpdates,
  pendingQuery,
  progressSignal,
  requestQuery,
  undeliveredSignal,
} from "../../../src/workflows/agent-messages.ts";
import type { CancelResult, DurableRequest } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, command, g1, useRig } from "./rig.ts";

const rig = useRig();
const via = { ...g1, epoch: 1 };

async function connected(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  await agent.connect();
  await agent.becomes("Up");
  return agent;
}

function cancel(agent: AgentUnderTest, requestId: string): Promise<CancelResult> {
  return agent.handle.executeUpdate(cancelUpdate, { args: [{ requestId, reason: "not needed" }] });
}

function cancels(agent: AgentUnderTest) {
  return agent.edge.callsOf("cancelRequest", agent.agentId).map(({ args }) => args);
}

/** Requests as they were handed over, in order. */
function delivered(agent: AgentUnderTest): readonly DurableRequest[] {
  return agent.edge
    .callsOf("deliver", agent.agentId)
    .flatMap(({ args }) => args["requests"] as readonly DurableRequest[]);
}

function answersTo(...commandIds: readonly string[]) {
  return commandIds.map((commandId) => ({ type: "ListVmsAnswer", commandId, result: true }));
}

describe("cancel", () => {
  test("cancel - while the agent is away is not lost: it goes with the Request when the agent is back", async () => {
    const agent = await connected("cancel-away");
    const one = command();
    await agent.admit({ requestId: "sent", commands: [one], via, waitSeconds: 600 });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Disconnected");
    expect(await cancel(agent, "sent")).toBe("asked");
    expect(cancels(agent)).toEqual([]);
    await agent.connect({ epoch: 2 });
    await waitUntil("it is handed over again", () => delivered(agent).length > 0);
    expect(delivered(agent)).toMatchObject([{ seq: 1, cancelled: "not needed" }]);
    await agent.answer(1, one.id);
    expect(await agent.settled("sent")).toMatchObject([{ commandId: one.id, result: true }]);
  });

  test("cancel - twice is once; the agent is asked with the number of that very Request", async () => {
    const agent = await connected("cancel-twice");
    for (const requestId of ["first", "second", "third"]) await agent.admit({ requestId, via });
    expect(await cancel(agent, "second")).toBe("asked");
    expect(await cancel(agent, "second")).toBe("asked");
    await waitUntil("the agent is asked", () => cancels(agent).length > 0);
    await cancel(agent, "third");
    await waitUntil("the agent is asked again", () => cancels(agent).length > 1);
    expect(cancels(agent)).toMatchObject([
      { epoch: 1, seq: 2 },
      { epoch: 1, seq: 3 },
    ]);
    const events = await agent.saw("requestCancelled", "requestCancelled");
    expect(events.filter(({ type }) => type === "requestCancelled")).toHaveLength(2);
  });

  test("cancel - of a Request that then comes back unsent ends it: nothing was run", async () => {
    const agent = await connected("cancel-back");
    await agent.admit({ requestId: "sent", via });
    expect(await cancel(agent, "sent")).toBe("asked");
    await agent.handle.signal(undeliveredSignal, { epoch: 1, seqs: [1], reason: "socket gone" });
    expect(await agent.settled("sent")).toMatchObject([
      { outcome: "notSent", errorCode: "CANCELLED" },
    ]);
    expect(await cancel(agent, "sent")).toBe("settled");
  });
});

describe("progress", () => {
  test("progress - is shown while the Request goes on, and stands when it ends without a Response", async () => {
    const agent = await connected("progress");
    const commands = [command(), command(), command()];
    const [first, second, third] = commands.map(({ id }) => id);
    const admitted = await agent.admit({
      requestId: "batch",
      commands,
      via,
      progress: true,
      waitSeconds: 600,
    });
    expect(admitted).toMatchObject({ request: { progress: true } });
    await agent.handle.signal(progressSignal, { seq: 1, answers: answersTo(second ?? "") });
    await agent.handle.signal(progressSignal, {
      seq: 1,
      answers: answersTo(first ?? "", second ?? "", "a stranger's"),
    });
    const view = await waitUntil("two Answers are there", async () => {
      const found = await agent.handle.query(requestQuery, "batch");
      return found?.progress?.length === 2 && found;
    });
    expect(view).toMatchObject({
      state: "pending",
      progress: answersTo(first ?? "", second ?? ""),
    });
    expect(view.waitLeftMs).toBeGreaterThan(0);
    expect(view.waitLeftMs).toBeLessThanOrEqual(600_000);
    expect(await agent.handle.query(pendingQuery)).toMatchObject([{ progress: view.progress }]);
    await agent.handle.executeUpdate(operatorUpdates.remove, { args: [{}] });
    expect(await agent.settled("batch")).toMatchObject([
      ...answersTo(first ?? "", second ?? ""),
      { commandId: third, outcome: "unknown", errorCode: "AGENT_REMOVED" },
    ]);
  });

  test("progress - of a Request that is settled, or of wrong shape, changes nothing", async () => {
    const agent = await connected("progress-late");
    const one = command();
    await agent.admit({ requestId: "r1", commands: [one], via });
    await agent.answer(1, one.id);
    const answers = await agent.settled("r1");
    await agent.handle.signal(progressSignal, { seq: 1, answers: answersTo(one.id) });
    await agent.handle.signal("progress", { seq: 1, answers: "rubbish" });
    await agent.saw("messageIgnored");
    expect(await agent.settled("r1")).toEqual(answers);
  });
});
