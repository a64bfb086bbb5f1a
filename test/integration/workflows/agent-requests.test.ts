import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  admitUpdate,
  cancelUpdate,
  operatorUpdates,
  pendingQuery,
  requestQuery,
  undeliveredSignal,
} from "../../../src/workflows/agent-messages.ts";
import type { AdmitMessage } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, command, g1, refusal, useRig } from "./rig.ts";

const rig = useRig();
const via = { ...g1, epoch: 1 };

async function connected(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  await agent.connect();
  await agent.becomes("Up");
  return agent;
}

describe("admitting and answering", () => {
  test("admit - the gateway that holds the session writes the Request itself; the answer settles it", async () => {
    const agent = await connected("held");
    await agent.saw("status");
    const before = await agent.historyLength();
    const one = command();
    const admitted = await agent.admit({ requestId: "r1", commands: [one], via });
    expect(admitted).toMatchObject({
      state: "pending",
      deliver: "caller",
      request: { requestId: "r1", seq: 1, commands: [one], inSequence: false, waitMs: 30_000 },
    });
    await agent.answer(1, one.id);
    expect(await agent.settled("r1")).toEqual([
      { type: "ListVmsAnswer", commandId: one.id, result: true },
    ]);
    const types = (await agent.history()).slice(before);
    expect(types.filter((type) => type.includes("ctivity"))).toEqual([]);
    expect(agent.edge.callsOf("reply", agent.agentId)).toEqual([]);
  });

  test("admit - the same request id is admitted once, whoever asks and how often", async () => {
    const agent = await connected("again");
    const message: AdmitMessage = { requestId: "r1", commands: [command()], onError: "stop", via };
    const ask = () =>
      agent.handle.executeUpdate(admitUpdate, { updateId: randomUUID(), args: [message] });
    const answers = await Promise.all([ask(), ask(), ask()]);
    // What is left of the wait is as of each asking.
    const { requestId, commands } = message;
    for (const answer of answers) {
      expect(answer).toMatchObject({ state: "pending", request: { requestId, seq: 1, commands } });
    }
    await agent.answer(1, commands[0]?.id ?? "");
    await agent.settled("r1");
    expect(await ask()).toMatchObject({ state: "settled", seq: 1, answers: [{ result: true }] });
    expect(await agent.handle.query(pendingQuery)).toEqual([]);
  });

  test("admit - a caller without the session gets its Answers by way of the workflow", async () => {
    const agent = await connected("elsewhere");
    const one = command();
    const admitted = await agent.admit({
      requestId: "r1",
      commands: [one],
      replyTo: { type: "gateway", gatewayId: "g1" },
      via: { gatewayId: "g1", incarnation: "an older run", epoch: 1 },
    });
    expect(admitted).toMatchObject({ state: "pending", deliver: "workflow", seq: 1 });
    const [delivery] = await waitUntil("it is handed over", () => {
      const calls = agent.edge.callsOf("deliver", agent.agentId);
      return calls.length > 0 && calls;
    });
    expect(delivery?.args).toMatchObject({ epoch: 1, requests: [{ seq: 1, commands: [one] }] });
    await agent.handle.signal("answer", {
      seq: 1,
      answers: [{ type: "ListVmsAnswer", commandId: one.id, result: true }],
      gateway: { gatewayId: "g2", incarnation: "x" },
    });
    const [reply] = await waitUntil("the caller is told", () => {
      const calls = agent.edge.callsOf("reply", agent.agentId);
      return calls.length > 0 && calls;
    });
    expect(reply?.args).toMatchObject({ requestId: "r1", seq: 1, answers: [{ result: true }] });
  });

  test("admit - Requests in sequence name the one before them as long as it waits", async () => {
    const agent = await connected("order");
    const start = () => [{ ...command("StartVm"), vm: "a" }];
    const first = await agent.admit({ commands: start(), via });
    const check = await agent.admit({ via });
    const second = await agent.admit({ commands: start(), via });
    expect(first).toMatchObject({ request: { seq: 1, inSequence: true } });
    expect(first).not.toHaveProperty("request.after");
    expect(check).not.toHaveProperty("request.after");
    expect(second).toMatchObject({ request: { seq: 3, after: { seq: 1 } } });
    const commandId =
      first.state === "pending" && first.deliver === "caller" ? first.request.commands[0]?.id : "";
    await agent.answer(1, commandId ?? "");
    await agent.settled(
      first.state === "pending" && first.deliver === "caller" ? first.request.requestId : "",
    );
    expect(await agent.admit({ commands: start(), via })).toMatchObject({
      request: { after: { seq: 3 } },
    });
  });
});

describe("away, and back", () => {
  test("admit - what waits is delivered to the next session, in order", async () => {
    const agent = await connected("return");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Disconnected");
    const one = command();
    const two = command();
    await agent.admit({ commands: [one] });
    await agent.admit({ commands: [two] });
    expect(agent.edge.callsOf("deliver", agent.agentId)).toEqual([]);
    await agent.connect({ epoch: 2 });
    const [delivery] = await waitUntil("both are handed over", () => {
      const calls = agent.edge.callsOf("deliver", agent.agentId);
      return calls.length > 0 && calls;
    });
    expect(delivery?.args).toMatchObject({
      epoch: 2,
      requests: [
        { seq: 1, commands: [one] },
        { seq: 2, commands: [two] },
      ],
    });
  });

  test("admit - never handed over by its deadline is notSent; handed over without an Answer is unknown", async () => {
    const agent = await connected("deadline");
    const sent = await agent.admit({ requestId: "sent", via, waitSeconds: 0.3 });
    expect(sent).toMatchObject({ deliver: "caller" });
    expect(await agent.settled("sent")).toMatchObject([
      { type: "ErrorAnswer", outcome: "unknown", errorCode: "NO_ANSWER_IN_TIME" },
    ]);
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.admit({ requestId: "away", waitSeconds: 0.3 });
    expect(await agent.settled("away")).toMatchObject([
      { type: "ErrorAnswer", outcome: "notSent", errorCode: "NOT_DELIVERED_IN_TIME" },
    ]);
    await waitUntil("the gateway that waited is told", () =>
      agent.edge.callsOf("reply", agent.agentId).some(({ args }) => args["requestId"] === "sent"),
    );
    await agent.saw("requestExpired", "disconnected", "requestExpired");
  });

  test("undelivered - a Request that came back was not sent", async () => {
    const agent = await connected("back");
    await agent.admit({ requestId: "r1", via });
    expect(await agent.handle.query(requestQuery, "r1")).toMatchObject({ handed: true });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.handle.signal(undeliveredSignal, { epoch: 1, seqs: [1], reason: "socket gone" });
    expect(
      await agent.handle.executeUpdate(cancelUpdate, {
        args: [{ requestId: "r1", reason: "it never left" }],
      }),
    ).toBe("cancelled");
    expect(await agent.settled("r1")).toMatchObject([{ outcome: "notSent" }]);
  });

  test("answer - one that comes late is noted and changes nothing", async () => {
    const agent = await connected("late");
    const one = command();
    await agent.admit({ requestId: "r1", commands: [one], via, waitSeconds: 0.2 });
    const answers = await agent.settled("r1");
    await agent.answer(1, one.id);
    await agent.saw("requestExpired", "lateAnswer");
    expect(await agent.settled("r1")).toEqual(answers);
  });

  test("cancel - unsent at once, sent by asking the agent", async () => {
    const agent = await connected("cancel");
    await agent.admit({ requestId: "sent", via });
    const cancel = (requestId: string) =>
      agent.handle.executeUpdate(cancelUpdate, { args: [{ requestId, reason: "not needed" }] });
    expect(await cancel("sent")).toBe("asked");
    await waitUntil(
      "the agent is asked",
      () => agent.edge.callsOf("cancelRequest", agent.agentId).length === 1,
    );
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Disconnected");
    await agent.admit({ requestId: "unsent" });
    expect(await cancel("unsent")).toBe("cancelled");
    expect(await agent.settled("unsent")).toMatchObject([
      { outcome: "notSent", errorCode: "CANCELLED" },
    ]);
    expect(await cancel("unsent")).toBe("settled");
    expect(await cancel("never heard of")).toBe("unknown");
  });
});

describe("refusals", () => {
  test("admit - a refusal leaves the history as it was", async () => {
    const agent = await connected("refused");
    const one = command();
    await agent.admit({ commands: [one], via });
    const before = (await agent.history()).filter((type) => type.includes("Update"));
    expect(await refusal(agent.admit({ commands: [] }))).toBe("INVALID_REQUEST");
    expect(await refusal(agent.admit({ commands: [{ id: "c1" } as never] }))).toBe(
      "INVALID_REQUEST",
    );
    expect(await refusal(agent.admit({ waitSeconds: -1 }))).toBe("INVALID_REQUEST");
    expect(await refusal(agent.admit({ commands: [one] }))).toBe("DUPLICATE_COMMAND_ID");
    const big = { ...command(), data: "x".repeat(600_000) };
    expect(await refusal(agent.admit({ commands: [big] }))).toBe("INVALID_REQUEST");
    expect((await agent.history()).filter((type) => type.includes("Update"))).toEqual(before);
  });

  test("admit - ResourceState decides what may be sent", async () => {
    const agent = await connected("state");
    await agent.handle.executeUpdate(operatorUpdates.disable, { args: [{}] });
    expect(await refusal(agent.admit({ commands: [command("StartVm")] }))).toBe("RESOURCE_STATE");
    await agent.admit({ commands: [command("StopVm")] });
    await agent.handle.executeUpdate(operatorUpdates.enable, { args: [{}] });
    await agent.handle.executeUpdate(operatorUpdates.enterMaintenance, { args: [{}] });
    expect(await refusal(agent.admit({ commands: [command("RebootVm")] }))).toBe("RESOURCE_STATE");
    expect(await agent.admit()).toMatchObject({ state: "pending" });
  });

  test("admit - a full mailbox says so, and has room again when Requests are settled", async () => {
    const agent = await connected("full");
    await agent.disconnect({ type: "goodbye", reason: "stop" });
    await agent.becomes("Disconnected");
    const big = () => [1, 2].map(() => ({ ...command(), data: "x".repeat(210_000) }));
    await agent.admit({ requestId: "first", commands: big() });
    expect(await refusal(agent.admit({ commands: big() }))).toBe("MAILBOX_FULL");
    await agent.handle.executeUpdate(cancelUpdate, {
      args: [{ requestId: "first", reason: "room" }],
    });
    expect(await agent.admit({ commands: big() })).toMatchObject({ state: "pending" });
  });
});

describe("workflows as callers", () => {
  test("admit - the Answers go to the workflow that asked for them", async () => {
    const agent = await connected("workflow");
    const listener = new AgentUnderTest(rig, "listener");
    await listener.connect();
    await listener.becomes("Up");
    const one = command();
    await agent.admit({
      requestId: "r1",
      commands: [one],
      replyTo: {
        type: "workflow",
        workflowId: `agent/${listener.agentId}`,
        signal: "answersForMe",
      },
    });
    await agent.answer(1, one.id);
    const events = await listener.saw("messageIgnored");
    expect(events.find(({ type }) => type === "messageIgnored")?.text).toContain("answersForMe");
  });

  test("admit - a workflow that is gone does no harm", async () => {
    const agent = await connected("nobody");
    const one = command();
    await agent.admit({
      requestId: "r1",
      commands: [one],
      replyTo: { type: "workflow", workflowId: "nobody", signal: "answers" },
    });
    await agent.answer(1, one.id);
    await agent.settled("r1");
    await waitUntil("the signal failed", async () =>
      (await agent.history()).includes("signalExternalWorkflowExecutionFailedEventAttributes"),
    );
    expect(await agent.handle.query(requestQuery, "r1")).toMatchObject({ state: "settled" });
    expect(await agent.admit({ via })).toMatchObject({ state: "pending" });
  });
});
