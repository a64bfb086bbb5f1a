import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { agentOptions, makeHome, startAgent, startGateway, type Home } from "./agent-under-test.ts";
import type { FakeSession } from "./fake-gateway.ts";

async function connected(config: Readonly<Record<string, unknown>> = {}, home: Home = makeHome()) {
  const gateway = await startGateway();
  const agent = startAgent(agentOptions(home, [gateway.url], config));
  const session = await gateway.session();
  return { gateway, agent, session, home };
}

const stopVm = (id: string, vm = "vm-1") => ({ type: "StopVm", id, vm });

/** Commands of these ids in the order in which their Responses came. */
function orderOf(session: FakeSession): readonly string[] {
  return session.frames.flatMap((frame) =>
    frame.kind === "response" && frame.lane === "durable"
      ? frame.answers.map(({ commandId }) => commandId)
      : [],
  );
}

describe("direct lane", () => {
  test("read-only Command - is answered", async () => {
    const { session } = await connected({ vms: 1 });
    session.direct(7, [{ type: "ListVms", id: "c1" }]);
    expect(await session.answers("direct", 7)).toEqual([
      expect.objectContaining({
        type: "ListVmsAnswer",
        commandId: "c1",
        result: true,
        vms: [expect.objectContaining({ name: "vm-1", power: "On" })],
      }),
    ]);
  });

  test("Command that changes something - is refused and not run", async () => {
    const { session, home } = await connected();
    session.direct(7, [stopVm("c1")]);
    expect(await session.answers("direct", 7)).toEqual([
      expect.objectContaining({ outcome: "notSent", errorCode: "NOT_READ_ONLY" }),
    ]);
    expect(home.effectsOf("c1")).toBe(0);
  });

  test("unknown type, unknown resource - say so", async () => {
    const { session } = await connected();
    session.durable(1, [{ type: "Nonsense", id: "c1" }]);
    session.direct(2, [{ type: "ListVms", id: "c2", resource: "other" }]);
    expect(await session.answers("durable", 1)).toMatchObject([
      { type: "UnsupportedAnswer", result: false, commandId: "c1" },
    ]);
    expect(await session.answers("direct", 2)).toMatchObject([
      { type: "ErrorAnswer", errorCode: "NO_SUCH_RESOURCE", outcome: "notSent" },
    ]);
  });
});

describe("durable lane", () => {
  test("redelivered Request - gets the same Answers, is not run again", async () => {
    const { session, home } = await connected();
    session.durable(1, [stopVm("c1")], { inSequence: true });
    const first = await session.answers("durable", 1);
    session.durable(1, [stopVm("c1")], { inSequence: true });
    await waitUntil("the second Response", () => session.responses("durable", 1).length === 2);
    expect(session.responses("durable", 1)[1]?.answers).toEqual(first);
    expect(home.effectsOf("c1")).toBe(1);
  });

  test("Request that comes again while it runs - one run, one Response", async () => {
    const { session, home } = await connected({ faults: { StopVm: { delayMs: 100 } } });
    session.durable(1, [stopVm("c1")]);
    session.durable(1, [stopVm("c1")]);
    await session.answers("durable", 1);
    // What comes after shows that nothing of the first is left.
    session.durable(2, [stopVm("c2", "vm-2")]);
    await session.answers("durable", 2);
    expect(session.responses("durable", 1)).toHaveLength(1);
    expect(home.effectsOf("c1")).toBe(1);
  });

  test("unacknowledged Answers - go out again with the next session, acknowledged ones do not", async () => {
    const { gateway, session } = await connected();
    session.durable(1, [stopVm("c1")]);
    session.durable(2, [stopVm("c2", "vm-2")]);
    const answers = await session.answers("durable", 2);
    await session.answers("durable", 1);
    session.ack(1, ["c1"]);
    session.ws.close(1001);
    const next = await gateway.session(1);
    expect(await next.answers("durable", 2)).toEqual(answers);
    expect(next.responses("durable", 1)).toHaveLength(0);
  });

  test("work in progress - goes on while the agent reconnects, its Answer leaves by the new session", async () => {
    const { gateway, session, home } = await connected({ faults: { StopVm: { delayMs: 400 } } });
    session.durable(1, [stopVm("c1")]);
    session.direct(1, [{ type: "CheckHealth", id: "h" }]);
    await session.answers("direct", 1);
    session.ws.terminate();
    const next = await gateway.session(1);
    expect(await next.answers("durable", 1)).toMatchObject([{ commandId: "c1", result: true }]);
    expect(home.effectsOf("c1")).toBe(1);
  });

  test("outbox - survives a restart of the agent", async () => {
    const { gateway, agent, session, home } = await connected();
    session.durable(1, [stopVm("c1")]);
    const answers = await session.answers("durable", 1);
    await agent.stop();
    startAgent(agentOptions(home, [gateway.url]));
    const next = await gateway.session(1);
    expect(await next.answers("durable", 1)).toEqual(answers);
    next.durable(1, [stopVm("c1")]);
    await waitUntil("the repetition", () => next.responses("durable", 1).length === 2);
    expect(home.effectsOf("c1")).toBe(1);
  });

  test("read-only Commands - leave no trace on disk", async () => {
    const { session, home } = await connected();
    session.durable(1, [{ type: "ListVms", id: "c1" }]);
    await session.answers("durable", 1);
    expect(() => readFileSync(join(home.agentDirectory, "journal.jsonl"))).toThrow("ENOENT");
  });

  test("onError - stop answers the rest StoppedByPreviousFailure, continue runs it", async () => {
    const { session, home } = await connected();
    const commands = (prefix: string) => [
      stopVm(`${prefix}1`, "no-such-vm"),
      stopVm(`${prefix}2`, prefix === "s" ? "vm-1" : "vm-2"),
    ];
    session.durable(1, commands("s"));
    session.durable(2, commands("g"), { onError: "continue" });
    expect(await session.answers("durable", 1)).toMatchObject([
      { type: "StopVmAnswer", result: false, errorCode: "VM_NOT_FOUND" },
      { type: "StoppedByPreviousFailureAnswer", outcome: "notSent" },
    ]);
    expect(await session.answers("durable", 2)).toMatchObject([
      { result: false },
      { type: "StopVmAnswer", result: true },
    ]);
    expect([home.effectsOf("s2"), home.effectsOf("g2")]).toEqual([0, 1]);
  });
});

describe("order", () => {
  test("in-sequence Requests - run one at a time by seq, free ones at once", async () => {
    const { session } = await connected({ faults: { RebootVm: { delayMs: 100 } } });
    const reboot = (id: string) => [{ type: "RebootVm", id, vm: "vm-1" }];
    session.durable(1, reboot("s1"), { inSequence: true });
    session.durable(3, reboot("s3"), { inSequence: true, after: { seq: 2, withinMs: 60_000 } });
    session.durable(4, [stopVm("free", "vm-2")]);
    session.durable(2, reboot("s2"), { inSequence: true, after: { seq: 1, withinMs: 60_000 } });
    await session.answers("durable", 3);
    expect(orderOf(session)).toEqual(["free", "s1", "s2", "s3"]);
  });

  test("after - is not waited for longer than withinMs", async () => {
    const { session } = await connected();
    session.durable(9, [stopVm("c9")], { inSequence: true, after: { seq: 8, withinMs: 50 } });
    expect(await session.answers("durable", 9)).toMatchObject([{ result: true }]);
  });

  test("after - a Request finished in an earlier run of the agent counts", async () => {
    const { gateway, agent, session, home } = await connected();
    session.durable(1, [stopVm("c1")], { inSequence: true });
    await session.answers("durable", 1);
    await agent.stop();
    startAgent(agentOptions(home, [gateway.url]));
    const next = await gateway.session(1);
    const after = { seq: 1, withinMs: 3_600_000 };
    next.durable(2, [stopVm("c2", "vm-2")], { inSequence: true, after });
    expect(await next.answers("durable", 2)).toMatchObject([{ result: true }]);
  });
});

describe("ends", () => {
  test("wait over before the start - notSent, not run", async () => {
    const { session, home } = await connected({ faults: { RebootVm: { delayMs: 300 } } });
    session.durable(1, [{ type: "RebootVm", id: "c1", vm: "vm-1" }], { inSequence: true });
    session.durable(2, [stopVm("c2")], { inSequence: true, waitMs: 20 });
    expect(await session.answers("durable", 2)).toMatchObject([
      { outcome: "notSent", errorCode: "WAIT_OVER" },
    ]);
    await session.answers("durable", 1);
    expect(home.effectsOf("c2")).toBe(0);
  });

  test("wait over while it runs - the resource is interrupted, the outcome unknown", async () => {
    const { session } = await connected({ faults: { StopVm: { mode: "hang" } } });
    const answerWithin = async (seq: number, waitMs: number) => {
      session.durable(seq, [stopVm(`c${seq}`)], { waitMs });
      return (await session.answers("durable", seq))[0];
    };
    let seq = 1;
    let answer = await answerWithin(seq, 50);
    // A slow disk may need longer than that to note that it starts.
    while (answer?.errorCode === "WAIT_OVER") answer = await answerWithin(++seq, 50 * 2 ** seq);
    expect(answer).toMatchObject({
      type: "ErrorAnswer",
      outcome: "unknown",
      errorCode: "INTERRUPTED",
    });
  });

  test("Cancel - a waiting Request is notSent, a running one interrupted, an unknown one refused", async () => {
    const { session, home } = await connected({ faults: { RebootVm: { mode: "hang" } } });
    session.durable(1, [{ type: "RebootVm", id: "c1", vm: "vm-1" }], { inSequence: true });
    session.durable(2, [stopVm("c2")], { inSequence: true });
    const cancel = (seq: number) =>
      session.command({ type: "Cancel", id: `x${seq}`, seq, details: "changed my mind" });
    expect(await cancel(2)).toMatchObject({ type: "CancelAnswer", result: true });
    expect(await session.answers("durable", 2)).toMatchObject([
      { outcome: "notSent", errorCode: "CANCELLED" },
    ]);
    await cancel(1);
    expect(await session.answers("durable", 1)).toMatchObject([
      { outcome: "unknown", errorCode: "INTERRUPTED" },
    ]);
    expect(await cancel(3)).toMatchObject({ result: false, errorCode: "NOT_OPEN" });
    expect(home.effectsOf("c2")).toBe(0);
  });

  test("resource that throws or returns rubbish - an error Answer of unknown outcome", async () => {
    const { session } = await connected({
      faults: { StopVm: { mode: "throw" }, RebootVm: { mode: "rubbish" } },
    });
    session.durable(1, [stopVm("c1")]);
    session.durable(2, [{ type: "RebootVm", id: "c2", vm: "vm-1" }]);
    expect(await session.answers("durable", 1)).toMatchObject([
      { errorCode: "RESOURCE_ERROR", outcome: "unknown" },
    ]);
    expect(await session.answers("durable", 2)).toMatchObject([
      { errorCode: "BAD_ANSWER", outcome: "unknown" },
    ]);
  });

  test("Answer too large for a frame - a clear error Answer instead", async () => {
    const { session } = await connected({ vms: 20_000, memoryBytes: 1e15 });
    session.direct(1, [{ type: "ListVms", id: "c1" }]);
    expect(await session.answers("direct", 1)).toMatchObject([
      { errorCode: "ANSWER_TOO_LARGE", outcome: "done", commandId: "c1" },
    ]);
  });

  test("stop - what has not started is left for the next run, what runs is interrupted", async () => {
    const { gateway, agent, session, home } = await connected({
      faults: { RebootVm: { mode: "hang" } },
    });
    session.durable(1, [{ type: "RebootVm", id: "c1", vm: "vm-1" }], { inSequence: true });
    session.durable(2, [stopVm("c2")], { inSequence: true });
    session.durable(3, [stopVm("c3", "vm-2")]);
    // Noted behind the first, which runs by now.
    await session.answers("durable", 3);
    await agent.stop();
    expect(await session.answers("durable", 1)).toMatchObject([{ errorCode: "INTERRUPTED" }]);
    expect(session.responses("durable", 2)).toHaveLength(0);
    startAgent(agentOptions(home, [gateway.url]));
    const next = await gateway.session(1);
    next.durable(2, [stopVm("c2")], { inSequence: true, after: { seq: 1, withinMs: 3_600_000 } });
    expect(await next.answers("durable", 2)).toMatchObject([{ result: true }]);
    expect(home.effectsOf("c2")).toBe(1);
  });
});
