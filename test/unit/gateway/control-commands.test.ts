import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { CommandListener, ControlCommand } from "../../../src/api/index.ts";
import { ControlCommands } from "../../../src/gateway/hooks/control-commands.ts";
import { Listeners } from "../../../src/hooks/listeners.ts";

const log = pino({ level: "silent" });
const control: ControlCommand = {
  agentId: "a",
  epoch: 1,
  gatewayId: "g",
  command: { type: "FindImage", id: "c-1", name: "debian" },
};
type Listen = NonNullable<CommandListener["onControlCommand"]>;

function asker() {
  return { controlsOpen: 0, over: new AbortController().signal };
}
function commands(listens: readonly Listen[], timeoutMs = 10_000) {
  const made = listens.map((onControlCommand, i) => ({ name: `l${i}`, onControlCommand }));
  const listeners = new Listeners(made, { timeoutMs, log });
  return {
    listeners,
    controls: new ControlCommands(listeners, { timeoutMs, frameBytesMax: 2_000 }),
  };
}

describe("control Commands", () => {
  it("listeners - are asked in their order, the first Answer ends it", async () => {
    const asked: string[] = [];
    const { controls } = commands([
      () => void asked.push("l0"),
      () => {
        asked.push("l1");
        return { type: "FindImageAnswer", result: true, url: "x" } as never;
      },
      () => void asked.push("l2"),
    ]);
    expect(await controls.ask(control, asker())).toEqual({
      type: "FindImageAnswer",
      commandId: "c-1",
      result: true,
      url: "x",
    });
    expect(asked).toEqual(["l0", "l1"]);
    expect(controls.ends).toEqual({ answered: 1, unsupported: 0, busy: 0 });
  });

  it("no listener that answers - Unsupported", async () => {
    const { controls } = commands([() => undefined]);
    expect(await controls.ask(control, asker())).toMatchObject({
      type: "UnsupportedAnswer",
      commandId: "c-1",
      errorCode: "UNSUPPORTED_COMMAND",
    });
  });

  it("listeners that throw, hang, or answer rubbish or too much - the next one is asked, and all are named", async () => {
    const bad: Listen[] = [
      () => {
        throw new Error("no database");
      },
      () => new Promise(() => undefined),
      () => ({ type: 7 }) as never,
      () => "yes" as never,
      () => ({ type: "FindImageAnswer", result: true, text: "x".repeat(3_000) }) as never,
      () => ({ type: "FindImageAnswer", result: true, big: 1n }) as never,
    ];
    const { controls, listeners } = commands(bad, 50);
    const answer = await controls.ask(control, asker());
    expect(answer.type).toBe("UnsupportedAnswer");
    for (const part of [
      "l0 failed: no database",
      "l1 took longer than 50 ms",
      "l2 failed: it is not an Answer",
      "l3 answered something that is no Answer",
      "l4 failed: it has",
      "l5 failed: it can't be written as JSON",
    ]) {
      expect(answer.details).toContain(part);
    }
    expect(listeners.all.map(({ calls }) => calls.get("onControlCommand"))).toMatchObject([
      { failed: 1 },
      { timedOut: 1 },
      { failed: 1 },
      { failed: 1 },
      { failed: 1 },
      { failed: 1 },
    ]);
    const { controls: mended } = commands(
      [...bad, () => ({ type: "FindImageAnswer", result: true })],
      50,
    );
    expect(await mended.ask(control, asker())).toMatchObject({ type: "FindImageAnswer" });
  });

  it("a listener - gets a copy", async () => {
    const { controls } = commands([
      (given) => {
        (given.command as unknown as { name: string }).name = "changed";
        return undefined;
      },
    ]);
    await controls.ask(control, asker());
    expect(control.command).toMatchObject({ name: "debian" });
  });

  it("one session - has 16 open at most, and others are not held up by it", async () => {
    let answer: (() => void) | undefined;
    const waits = new Promise<void>((resolve) => (answer = resolve));
    const { controls } = commands([
      async ({ agentId }) => {
        if (agentId === "a") await waits;
        return { type: "FindImageAnswer", result: true };
      },
    ]);
    const greedy = asker();
    const open = Array.from({ length: 17 }, () => controls.ask(control, greedy));
    expect(await open[16]).toMatchObject({ errorCode: "MANAGER_BUSY", outcome: "notSent" });
    const other = await controls.ask({ ...control, agentId: "b" }, asker());
    expect(other).toMatchObject({ result: true });
    answer?.();
    await Promise.all(open);
    expect(await controls.ask(control, greedy)).toMatchObject({ result: true });
  });

  it("a session that ends - its listeners are told, the next are not asked", async () => {
    const over = new AbortController();
    let told = false;
    const { controls } = commands([
      (_control, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            told = true;
            resolve(undefined);
          });
          over.abort();
        }),
      () => ({ type: "FindImageAnswer", result: true }),
    ]);
    const answer = await controls.ask(control, { controlsOpen: 0, over: over.signal });
    expect(answer.type).toBe("UnsupportedAnswer");
    expect(told).toBe(true);
  });
});
