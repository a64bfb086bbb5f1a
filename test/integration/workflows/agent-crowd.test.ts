/** Much at once, and much in one: what callers and foreign clients may do to an agent's lifecycle without harm. */
import type { WorkflowHandle } from "@temporalio/client";
import { describe, expect, test } from "vitest";
import { payloadLimits } from "../../../src/api/index.ts";
import { mailboxLimits, sizeOf } from "../../../src/lifecycle/index.ts";
import {
  admitUpdate,
  agentWorkflowId,
  pendingQuery,
  progressSignal,
  requestQuery,
} from "../../../src/workflows/agent-messages.ts";
import type { DurableRequest } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, command, g1, refusal, useRig } from "./rig.ts";

const rig = useRig();
const via = { ...g1, epoch: 1 };
/** As large as a message to Temporal can be. */
const almostTooLarge = "x".repeat(1_900_000);

async function connected(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  await agent.connect();
  await agent.becomes("Up");
  return agent;
}

async function away(name: string): Promise<AgentUnderTest> {
  const agent = await connected(name);
  await agent.disconnect({ type: "goodbye", reason: "stop" });
  await agent.becomes("Disconnected");
  return agent;
}

/** So many at once as one workflow takes. */
async function inParallel(count: number, work: (no: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 10 }, worker));
}

function batches(agent: AgentUnderTest): readonly (readonly DurableRequest[])[] {
  return agent.edge
    .callsOf("deliver", agent.agentId)
    .map(({ args }) => args["requests"] as readonly DurableRequest[]);
}

/** Runs of an agent's lifecycle: how long each was, and what it was given by the one before, in bytes. */
async function runs(agent: AgentUnderTest) {
  const client = rig.temporal.client.workflow;
  const found = [];
  const query = `WorkflowId = "${agentWorkflowId(agent.agentId)}"`;
  for await (const { workflowId, runId } of client.list({ query })) {
    const handle: WorkflowHandle = client.getHandle(workflowId, runId);
    const { events = [] } = await handle.fetchHistory();
    const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    found.push({ events: events?.length ?? 0, carriedBytes: input?.length ?? 0 });
  }
  return found;
}

describe("a crowd", () => {
  test("a thousand Requests for an agent that is away - are handed over in order, in batches, and bound its memory", async () => {
    const agent = await away("crowd");
    const { pending, batch } = mailboxLimits;
    await inParallel(pending, (no) =>
      agent.admit({
        requestId: `r${no}`,
        commands: [{ ...command("StopVm"), vm: `vm-${no}` }],
        waitSeconds: 3_000,
      }),
    );
    expect(await refusal(agent.admit({ requestId: "one more" }))).toBe("MAILBOX_FULL");
    expect(batches(agent)).toEqual([]);

    await agent.connect({ epoch: 2 });
    const requests = await waitUntil("all are handed over", () => {
      const all = batches(agent).flat();
      return all.length >= pending && all;
    });
    expect(batches(agent)).toHaveLength(pending / batch);
    expect(requests.map(({ seq }) => seq)).toEqual(requests.map((_, index) => index + 1));
    expect(requests.map(({ after }) => after?.seq)).toEqual([
      undefined,
      ...requests.slice(0, -1).map(({ seq }) => seq),
    ]);
    await inParallel(pending, async (no) => {
      const { seq, commands } = requests[no] ?? { seq: 0, commands: [] };
      await agent.answer(seq, ...commands.map(({ id }) => id));
    });
    await waitUntil("all are settled", async () => {
      return (await agent.handle.query(pendingQuery)).length === 0;
    });
    for (const requestId of requests.slice(-5).map((request) => request.requestId)) {
      expect(await agent.settled(requestId)).toMatchObject([{ result: true }]);
    }
    const types = agent.edge.eventTypes(agent.agentId);
    for (const wrong of ["lateAnswer", "requestExpired", "messageIgnored"]) {
      expect(types).not.toContain(wrong);
    }
    for (const { events, carriedBytes } of await runs(agent)) {
      expect(events).toBeLessThan(1_000);
      expect(carriedBytes).toBeLessThan(600_000);
    }
  });

  test("large Requests - are handed over in batches that no activity chokes on", async () => {
    const agent = await away("heavy");
    const data = "x".repeat(60_000);
    for (let no = 0; no < 12; no++) await agent.admit({ commands: [{ ...command(), data }] });
    await agent.connect({ epoch: 2 });
    await waitUntil("all are handed over", () => batches(agent).flat().length === 12);
    expect(batches(agent).map(({ length }) => length)).toEqual([4, 4, 4]);
    for (const batch of batches(agent)) {
      expect(sizeOf(batch)).toBeLessThan(mailboxLimits.batchBytes + 1_000);
    }
  });
});

describe("foreign clients", () => {
  test("admit - 1.9 MiB of Commands are refused with the limit, and leave no trace", async () => {
    const agent = await connected("large-commands");
    const before = (await agent.history()).filter((type) => type.includes("Update"));
    const large = { ...command(), data: almostTooLarge };
    await expect(agent.admit({ commands: [large] })).rejects.toMatchObject({
      cause: {
        type: "INVALID_REQUEST",
        message: expect.stringContaining(`${payloadLimits.commandBytes} is the most`) as string,
      },
    });
    expect((await agent.history()).filter((type) => type.includes("Update"))).toEqual(before);
    expect(await agent.admit({ via })).toMatchObject({ state: "pending" });
  });

  test("answers - 1.9 MiB of the right shape settle the Request; those who wait elsewhere are told that they are too large", async () => {
    const agent = await connected("large-answers");
    const listener = await connected("large-listener");
    const [one, other] = [command(), command()];
    const workflowId = agentWorkflowId(listener.agentId);
    for (const replyTo of [
      { type: "workflow", workflowId, signal: "answersForMe" },
      { type: "gateway", gatewayId: "g1" },
    ] as const) {
      await agent.handle.executeUpdate(admitUpdate, {
        args: [{ requestId: "r1", commands: [one, other], replyTo }],
      });
    }
    const answer = { type: "ListVmsAnswer", result: true };
    await agent.handle.signal("answer", {
      seq: 1,
      answers: [
        { ...answer, commandId: one.id, vms: almostTooLarge },
        { ...answer, commandId: other.id },
      ],
      gateway: { gatewayId: "elsewhere", incarnation: "x" },
    });
    const told = [
      { commandId: one.id, result: false, outcome: "done", errorCode: "ANSWER_TOO_LARGE" },
      { commandId: other.id, result: true },
    ];
    expect(await agent.settled("r1")).toMatchObject(told);
    const [reply] = await waitUntil("the gateway that waits is told", () => {
      const calls = agent.edge.callsOf("reply", agent.agentId);
      return calls.length > 0 && calls;
    });
    expect(reply?.args["answers"]).toMatchObject(told);
    await listener.saw("messageIgnored");
    expect(await agent.admit({ via })).toMatchObject({ state: "pending" });
  });

  test("rubbish - 1.9 MiB of it in a signal block and fail nothing, and history does not keep it for long", async () => {
    const agent = await connected("large-rubbish");
    const { runId } = await agent.handle.describe();
    const one = command();
    await agent.admit({ requestId: "r1", commands: [one], via });
    await agent.handle.signal("answer", { seq: 1, answers: almostTooLarge });
    await agent.handle.signal("answer", { seq: 1, answers: [{ commandId: almostTooLarge }] });
    await agent.handle.signal(progressSignal, {
      seq: 1,
      answers: [{ type: "A", commandId: one.id, result: true, details: almostTooLarge }],
    });
    await agent.saw("messageIgnored", "messageIgnored");
    const view = await agent.handle.query(requestQuery, "r1");
    expect(view).toMatchObject({ state: "pending" });
    expect(view).not.toHaveProperty("progress");
    await agent.answer(1, one.id);
    expect(await agent.settled("r1")).toMatchObject([{ commandId: one.id, result: true }]);
    await waitUntil("it is renewed, for the size of its history", async () => {
      return (await agent.handle.describe()).runId !== runId;
    });
  });

  test("updates - what nobody could foresee fails that Update, not the lifecycle", async () => {
    const agent = await connected("nulls");
    const nulls = {
      via: null,
      replyTo: null,
      waitSeconds: null,
      progress: null,
      repeatAgoMs: null,
    };
    expect(await agent.admit({ ...(nulls as object), requestId: "nulls" })).toMatchObject({
      state: "pending",
      deliver: "workflow",
      requestId: "nulls",
    });
    await agent.handle.executeUpdate("configure", { args: [{ pingIntervalMs: null }] });
    expect((await agent.view()).settings.pingIntervalMs).toBe(600_000);
  });
});
