import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { agentOptions, makeHome, startAgent, startGateway } from "./agent-under-test.ts";

async function connected(config: Readonly<Record<string, unknown>> = {}) {
  const gateway = await startGateway();
  const home = makeHome();
  startAgent(agentOptions(home, [gateway.url], config));
  return { gateway, home, session: await gateway.session() };
}

const stopVm = (id: string, vm = "vm-1") => ({ type: "StopVm", id, vm });
const check = (id: string) => ({ type: "CheckHealth", id });
const stats = (id: string) => ({ type: "GetHostStats", id });
const cancel = (seq: number, type = "Cancel") => ({ type, id: `x${seq}`, seq, details: "enough" });
const cancelled = { outcome: "notSent", errorCode: "CANCELLED" };

describe("Cancel", () => {
  test("right behind a new Request - it does not run, each Command is notSent", async () => {
    const { session, home } = await connected();
    session.durable(1, [stopVm("a"), stopVm("b", "vm-2")], { onError: "continue" });
    session.durable(2, [stopVm("c")], { inSequence: true });
    const both = [session.command(cancel(1)), session.command(cancel(2))];
    expect(await Promise.all(both)).toMatchObject([{ result: true }, { result: true }]);
    expect(await session.answers("durable", 1)).toMatchObject([cancelled, cancelled]);
    expect(await session.answers("durable", 2)).toMatchObject([cancelled]);
    expect(["a", "b", "c"].map(home.effectsOf)).toEqual([0, 0, 0]);
  });

  test("ahead of its Request - the Request does not run", async () => {
    const { session, home } = await connected();
    expect(await session.command(cancel(1))).toMatchObject({ errorCode: "NOT_OPEN" });
    session.durable(1, [stopVm("a")]);
    expect(await session.answers("durable", 1)).toMatchObject([cancelled]);
    expect(home.effectsOf("a")).toBe(0);
  });

  test("behind a Request that comes again while it runs - the resource hears it, one Response", async () => {
    const { gateway, session } = await connected({ faults: { GetHostStats: { mode: "hang" } } });
    // One that only reads: it runs at once, and not when the disk has it noted.
    session.durable(1, [stats("a")]);
    session.direct(1, [check("h")]);
    await session.answers("direct", 1);
    session.ws.terminate();
    const next = await gateway.session(1);
    next.durable(1, [stats("a")]);
    expect(await next.command(cancel(1))).toMatchObject({ result: true });
    expect(await next.answers("durable", 1)).toMatchObject([{ errorCode: "INTERRUPTED" }]);
    next.direct(1, [check("h2")]);
    await next.answers("direct", 1);
    expect(next.responses("durable", 1)).toHaveLength(1);
  });

  test("behind a Request that was answered - the Answer stands", async () => {
    const { session, home } = await connected();
    session.durable(1, [stopVm("a")]);
    const first = await session.answers("durable", 1);
    session.durable(1, [stopVm("a")]);
    expect(await session.command(cancel(1))).toMatchObject({ errorCode: "NOT_OPEN" });
    await waitUntil("the repetition", () => session.responses("durable", 1).length === 2);
    expect(session.responses("durable", 1)[1]?.answers).toEqual(first);
    expect([first, home.effectsOf("a")]).toMatchObject([[{ result: true }], 1]);
  });
});

describe("CancelDirect", () => {
  test("running Request - the resource hears it; the durable Request of that number goes on", async () => {
    const faults = { GetHostStats: { mode: "hang" }, StopVm: { delayMs: 150 } };
    const { session } = await connected({ faults });
    session.durable(1, [stopVm("a")]);
    session.direct(1, [check("d"), stats("e")], { progress: true });
    await waitUntil("it runs", () => session.progress("direct", 1).length === 1);
    expect(await session.command(cancel(1, "CancelDirect"))).toMatchObject({
      type: "CancelDirectAnswer",
      result: true,
    });
    expect(await session.answers("direct", 1)).toMatchObject([
      { commandId: "d", result: true },
      { commandId: "e", errorCode: "INTERRUPTED", outcome: "done" },
    ]);
    expect(await session.answers("durable", 1)).toMatchObject([{ result: true }]);
    const again = await session.command(cancel(1, "CancelDirect"));
    expect(again).toMatchObject({ result: false, errorCode: "NOT_OPEN" });
  });

  test("number of another session - reaches nothing, and a direct Answer never leaves by another session", async () => {
    const faults = { GetHostStats: { delayMs: 300 } };
    const { gateway, session } = await connected({ faults });
    session.direct(1, [stats("old")]);
    session.ws.terminate();
    const next = await gateway.session(1);
    expect(await next.command(cancel(1, "CancelDirect"))).toMatchObject({ errorCode: "NOT_OPEN" });
    next.direct(1, [stats("new")]);
    await next.answers("direct", 1);
    expect(next.responses("direct", 1).flatMap(({ answers }) => answers)).toMatchObject([
      { commandId: "new" },
    ]);
  });
});

describe("wait of nothing", () => {
  test("Request whose caller waits no more - is not run", async () => {
    const { session, home } = await connected();
    session.durable(1, [stopVm("a")], { waitMs: 0 });
    session.durable(2, [stopVm("b", "vm-2")], { waitMs: 0, inSequence: true });
    session.durable(3, [stopVm("c", "vm-2")], {
      inSequence: true,
      after: { seq: 2, withinMs: 3_600_000 },
    });
    const over = [{ outcome: "notSent", errorCode: "WAIT_OVER" }];
    expect(await session.answers("durable", 1)).toMatchObject(over);
    expect(await session.answers("durable", 2)).toMatchObject(over);
    expect(await session.answers("durable", 3)).toMatchObject([{ result: true }]);
    expect(["a", "b", "c"].map(home.effectsOf)).toEqual([0, 0, 1]);
  });
});
