import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { agentOptions, makeHome, startAgent, startGateway } from "./agent-under-test.ts";

async function connected(config: Readonly<Record<string, unknown>> = {}) {
  const gateway = await startGateway();
  const home = makeHome();
  startAgent(agentOptions(home, [gateway.url], config));
  return { gateway, home, session: await gateway.session() };
}

const stopVm = (id: string, vm: string) => ({ type: "StopVm", id, vm });
const hanging = { type: "RebootVm", id: "h", vm: "vm-3" };
const hangs = { vms: 3, faults: { RebootVm: { mode: "hang" }, GetHostStats: { mode: "hang" } } };
const progress = { progress: true };

describe("progress", () => {
  test("durable batch - each Answer is told while the rest goes on, the last by the Response alone", async () => {
    const { session } = await connected(hangs);
    session.durable(1, [stopVm("a", "vm-1"), stopVm("b", "vm-2"), hanging], progress);
    await waitUntil("two Answers", () => session.progress("durable", 1).length === 2);
    expect(session.responses("durable", 1)).toEqual([]);
    await session.command({ type: "Cancel", id: "x", seq: 1, details: "seen enough" });
    const answers = await session.answers("durable", 1);
    const told = session.progress("durable", 1);
    expect(told.map(({ index }) => index)).toEqual([0, 1]);
    expect(told.map(({ answer }) => answer)).toEqual(answers.slice(0, 2));
    expect(answers[2]).toMatchObject({ commandId: "h", errorCode: "INTERRUPTED" });
  });

  test("direct batch - the same", async () => {
    const { session } = await connected(hangs);
    const batch = [
      { type: "CheckHealth", id: "a" },
      { type: "GetHostStats", id: "b" },
    ];
    session.direct(4, batch, progress);
    await waitUntil("an Answer", () => session.progress("direct", 4).length === 1);
    await session.command({ type: "CancelDirect", id: "x", seq: 4, details: "seen enough" });
    const answers = await session.answers("direct", 4);
    expect(session.progress("direct", 4)).toMatchObject([{ index: 0, answer: answers[0] }]);
  });

  test("Request that did not ask for it - is told nothing", async () => {
    const { session } = await connected();
    session.durable(1, [stopVm("a", "vm-1"), stopVm("b", "vm-2")]);
    session.direct(1, [
      { type: "CheckHealth", id: "c" },
      { type: "CheckHealth", id: "d" },
    ]);
    await session.answers("durable", 1);
    await session.answers("direct", 1);
    expect(session.frames.filter(({ kind }) => kind === "progress")).toEqual([]);
  });

  test("next session - hears of nothing until it asks, then of all Answers so far", async () => {
    const { gateway, session } = await connected(hangs);
    const batch = [stopVm("a", "vm-1"), hanging, stopVm("b", "vm-2")];
    const more = { ...progress, onError: "continue" } as const;
    session.durable(1, batch, more);
    await waitUntil("an Answer", () => session.progress("durable", 1).length === 1);
    session.ws.terminate();
    const next = await gateway.session(1);
    // A gateway that knows no progress frames would close the session.
    await next.command({ type: "Reconnect", id: "r", details: "again" });
    expect(next.frames.filter(({ kind }) => kind === "progress")).toEqual([]);
    const last = await gateway.session(2);
    last.durable(1, batch, more);
    await waitUntil("the first Answer", () => last.progress("durable", 1).length === 1);
    await last.command({ type: "Cancel", id: "x", seq: 1, details: "seen enough" });
    await last.answers("durable", 1);
    expect(last.progress("durable", 1).map(({ index }) => index)).toEqual([0, 1]);
  });

  test("without a session - the work goes on and nobody waits", async () => {
    const faults = { StopVm: { delayMs: 100 } };
    const { gateway, session, home } = await connected({ faults });
    session.durable(1, [stopVm("a", "vm-1"), stopVm("b", "vm-2")], progress);
    session.direct(1, [{ type: "CheckHealth", id: "c" }]);
    await session.answers("direct", 1);
    session.ws.terminate();
    const next = await gateway.session(1);
    expect(await next.answers("durable", 1)).toMatchObject([{ result: true }, { result: true }]);
    expect([home.effectsOf("a"), home.effectsOf("b")]).toEqual([1, 1]);
  });
});
