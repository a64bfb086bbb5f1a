import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer, WireCommand } from "../../../src/api/index.ts";
import { ManagerPort, type ControlSession } from "../../../src/agent/manager-port.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A session whose manager answers when the test says so. */
class FakeSession implements ControlSession {
  readonly frameBytesMax = 2_000;
  readonly asked = new Map<WireCommand, (answers: readonly Answer[]) => void>();

  ask(command: WireCommand, onAnswers: (answers: readonly Answer[]) => void): () => void {
    this.asked.set(command, onAnswers);
    return () => this.asked.delete(command);
  }

  answerAll(): void {
    for (const [{ id }, onAnswers] of this.asked) {
      onAnswers([{ type: "A", commandId: id, result: true }]);
    }
  }
}

function connected() {
  const port = new ManagerPort();
  const session = new FakeSession();
  port.attach(session);
  return { port, session };
}

describe("manager link", () => {
  test("Answer - resolves, and nothing of it is left", async () => {
    const { port, session } = connected();
    const { signal } = new AbortController();
    const asking = port.ask({ type: "T" }, { signal });
    await vi.advanceTimersByTimeAsync(0);
    session.answerAll();
    expect(await asking).toMatchObject({ type: "A", result: true });
    expect([port.openAskings, session.asked.size, vi.getTimerCount()]).toEqual([0, 0, 0]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("id - the caller's own, else one that is made", async () => {
    const { port, session } = connected();
    void port.ask({ type: "T", id: "mine" });
    void port.ask({ type: "T" });
    await vi.advanceTimersByTimeAsync(0);
    const [mine, made] = [...session.asked.keys()];
    expect(mine?.id).toBe("mine");
    expect(made?.id).toMatch(/^[0-9a-f-]{36}$/);
    session.answerAll();
  });

  test("no session - certainly nothing is sent", async () => {
    const { port, session } = connected();
    port.detach(session);
    await expect(port.ask({ type: "T" })).rejects.toMatchObject({ code: "NO_SESSION" });
  });

  test("another session takes over - the old one may still answer what was asked by it", async () => {
    const { port, session } = connected();
    const next = new FakeSession();
    const [answered, lost] = [port.ask({ type: "T" }), port.ask({ type: "T" })];
    await vi.advanceTimersByTimeAsync(0);
    port.attach(next);
    const [first] = session.asked;
    first?.[1]([{ type: "A", commandId: first[0].id, result: true }]);
    expect(await answered).toMatchObject({ result: true });
    expect([port.awaits(session), port.awaits(next)]).toEqual([true, false]);
    const failed = expect(lost).rejects.toMatchObject({ code: "SESSION_LOST" });
    port.detach(session);
    await failed;
    void port.ask({ type: "T" });
    await vi.advanceTimersByTimeAsync(0);
    expect(port.awaits(next)).toBe(true);
    next.answerAll();
  });

  test("wait - 10 s unless said otherwise; nothing is left", async () => {
    const { port, session } = connected();
    const askings = [port.ask({ type: "T" }), port.ask({ type: "T" }, { waitMs: 5 })];
    const codes = askings.map((asking) => asking.catch((error: unknown) => error));
    await vi.advanceTimersByTimeAsync(5);
    expect(port.openAskings).toBe(1);
    await vi.advanceTimersByTimeAsync(9_995);
    expect(await Promise.all(codes)).toMatchObject([{ code: "WAIT_OVER" }, { code: "WAIT_OVER" }]);
    expect([port.openAskings, session.asked.size, vi.getTimerCount()]).toEqual([0, 0, 0]);
  });

  test("abort - before and after the sending", async () => {
    const { port, session } = connected();
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    const asking = port.ask({ type: "T" }, { signal: controller.signal });
    const failed = expect(asking).rejects.toMatchObject({ code: "ABORTED", cause: reason });
    await vi.advanceTimersByTimeAsync(0);
    controller.abort(reason);
    await failed;
    const late = port.ask({ type: "T" }, { signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: "ABORTED" });
    expect([session.asked.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test("bound - the 65th is refused until one is answered", async () => {
    const { port, session } = connected();
    const askings = Array.from({ length: 64 }, () => port.ask({ type: "T" }));
    await vi.advanceTimersByTimeAsync(0);
    await expect(port.ask({ type: "T" })).rejects.toMatchObject({ code: "TOO_MANY_OPEN" });
    session.answerAll();
    await Promise.all(askings);
    const next = port.ask({ type: "T" });
    await vi.advanceTimersByTimeAsync(0);
    session.answerAll();
    expect(await next).toMatchObject({ result: true });
  });

  const circle: Record<string, unknown> = { type: "T" };
  circle["itself"] = circle;
  const deep = JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`) as unknown;
  test.each([
    ["a type of the link", { type: "CancelDirect" }],
    ["no type", { type: "" }],
    ["a circle", circle],
    ["nested too deep", { type: "T", deep }],
    ["too large", { type: "T", text: "x".repeat(2_000) }],
    ["a bad id", { type: "T", id: 5 }],
  ])("%s - refused, nothing is sent", async (_what, command) => {
    const { port, session } = connected();
    const asking = port.ask(command as { readonly type: string });
    await expect(asking).rejects.toMatchObject({ code: "BAD_COMMAND" });
    expect(session.asked.size).toBe(0);
  });
});
