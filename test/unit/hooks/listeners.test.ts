import { PassThrough } from "node:stream";
import { pino } from "pino";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import type { HookListener, StatusChange } from "../../../src/api/index.ts";
import { Listeners } from "../../../src/hooks/listeners.ts";
import { registerHookMetrics } from "../../../src/hooks/metrics.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

function setUp(listeners: readonly HookListener[], timeoutMs = 5_000) {
  const lines: { msg: string; listener?: string; level: number }[] = [];
  const stream = new PassThrough();
  stream.on("data", (line: Buffer) => lines.push(JSON.parse(line.toString()) as (typeof lines)[0]));
  const all = new Listeners(listeners, { timeoutMs, log: pino(stream) });
  const registry = new Registry();
  registerHookMetrics(registry, all);
  return { all, lines, metrics: () => registry.metrics() };
}

function change(no: number, agentId = "a"): StatusChange {
  const at = new Date(0).toISOString();
  return { agentId, no, at, epoch: 1, reason: "a test", from: "Up", to: "Disconnected" };
}

describe("listeners", () => {
  it("a listener - is told what it has a method for, and nothing else", async () => {
    const told: number[] = [];
    const { all } = setUp([
      { name: "status", onStatusChanged: ({ no }) => void told.push(no) },
      { name: "other", onConnected: () => void told.push(-1) },
    ]);
    for (const no of [1, 2, 3]) all.tell("onStatusChanged", "a", () => change(no));
    await waitUntil("all are told", () => told.length === 3);
    expect(told).toEqual([1, 2, 3]);
  });

  it("a listener that throws - harms neither the teller nor the others, and is said once in the log", async () => {
    const told: number[] = [];
    const { all, lines, metrics } = setUp([
      {
        name: "bad",
        onStatusChanged: () => {
          throw new Error("no disk");
        },
      },
      { name: "rejects", onStatusChanged: () => Promise.reject(new Error("no net")) },
      { name: "good", onStatusChanged: ({ no }) => void told.push(no) },
    ]);
    for (const no of [1, 2, 3]) all.tell("onStatusChanged", "a", () => change(no));
    await waitUntil("all are told", async () => {
      const text = await metrics();
      return ["bad", "rejects"].every((name) =>
        text.includes(`{listener="${name}",method="onStatusChanged",result="failed"} 3`),
      );
    });
    expect(told).toEqual([1, 2, 3]);
    expect(lines.map(({ listener }) => listener).sort()).toEqual(["bad", "rejects"]);
  });

  it("a listener that hangs - is left after its time, told so by its signal, and the next news come", async () => {
    const told: number[] = [];
    let aborted = 0;
    const { all, lines, metrics } = setUp(
      [
        {
          name: "slow",
          onStatusChanged: ({ no }, { signal }) => {
            told.push(no);
            signal.addEventListener("abort", () => aborted++);
            return no === 1 ? new Promise(() => undefined) : undefined;
          },
        },
      ],
      30,
    );
    for (const no of [1, 2]) all.tell("onStatusChanged", "a", () => change(no));
    await waitUntil("the second one is told", () => told.length === 2);
    expect(aborted).toBe(1);
    expect(lines).toMatchObject([{ listener: "slow", msg: "a listener took too long" }]);
    const text = await metrics();
    expect(text).toContain(`method="onStatusChanged",result="timedOut"} 1`);
  });

  it("a listener that can't keep up - loses the oldest, which is counted", async () => {
    const told: number[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { all, metrics } = setUp([
      {
        name: "behind",
        onStatusChanged: async ({ no }) => {
          told.push(no);
          await held;
        },
      },
    ]);
    for (let no = 1; no <= 1_003; no++) all.tell("onStatusChanged", "a", () => change(no));
    const text = await metrics();
    expect(text).toContain(`muster_hook_dropped_total{listener="behind"} 2`);
    expect(text).toContain(`muster_hook_waiting{listener="behind"} 1000`);
    release();
    await waitUntil("the rest is told", () => told.at(-1) === 1_003);
    expect(told.slice(0, 3)).toEqual([1, 4, 5]);
  });

  it("one listener - can't change what another one gets", async () => {
    const got: string[] = [];
    const meddle: HookListener = {
      name: "meddler",
      onCommands: ({ commands }) => {
        (commands[0] as { type: string }).type = "Changed";
      },
    };
    const { all } = setUp([
      meddle,
      { name: "reader", onCommands: ({ commands }) => void got.push(commands[0]?.type ?? "") },
    ]);
    const commands = [{ type: "StopVm", id: "1" }];
    const passing = { agentId: "a", epoch: 1, gatewayId: "g", lane: "direct" as const, seq: 1 };
    for (let i = 0; i < 2; i++) {
      all.tell("onCommands", "a", () => ({ ...passing, commands: structuredClone(commands) }));
    }
    await waitUntil("both are told", () => got.length === 2);
    expect(got).toEqual(["StopVm", "StopVm"]);
    expect(commands[0]?.type).toBe("StopVm");
  });
});
