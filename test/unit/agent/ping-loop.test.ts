import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import { PingLoop, unansweredMax, type PingPort } from "../../../src/agent/ping-loop.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function bench(
  reply: (count: number) => Partial<Answer> & Record<string, unknown>,
  answers = true,
) {
  const pingedAtMs: number[] = [];
  const silences: number[] = [];
  const learnt: unknown[] = [];
  const port: PingPort = {
    statuses: () => Promise.resolve([{ name: "r", healthy: true }]),
    ask: (command, onAnswers) => {
      pingedAtMs.push(performance.now());
      if (!answers) return;
      const answer = { type: "PingAnswer", commandId: command.id, result: true };
      onAnswers([{ ...answer, ...reply(pingedAtMs.length) }]);
    },
    onAnswer: (answer) => learnt.push(answer.gateways),
    onSilence: (unanswered) => silences.push(unanswered),
  };
  const startedMs = performance.now();
  return { port, pinged: () => pingedAtMs.map((ms) => ms - startedMs), silences, learnt };
}

describe("ping loop", () => {
  test("interval - the first ping anywhere in it, then each interval", async () => {
    const { port, pinged } = bench(() => ({}));
    const loop = new PingLoop(port, 1_000, () => 0.25);
    await vi.advanceTimersByTimeAsync(3_300);
    loop.stop();
    expect(pinged()).toEqual([250, 1_250, 2_250, 3_250]);
  });

  test("PingAnswer - a new interval counts at once, gateways are passed on", async () => {
    const { port, pinged, learnt } = bench((count) =>
      count === 2 ? { pingIntervalMs: 100, gateways: ["ws://g"] } : {},
    );
    const loop = new PingLoop(port, 1_000, () => 0);
    await vi.advanceTimersByTimeAsync(1_250);
    loop.stop();
    expect(pinged()).toEqual([0, 1_000, 1_100, 1_200]);
    expect(learnt[1]).toEqual(["ws://g"]);
  });

  test("no Answers - silence is told once, after so many pings and one interval", async () => {
    const { port, pinged, silences } = bench(() => ({}), false);
    new PingLoop(port, 1_000, () => 0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(pinged()).toEqual([0, 1_000, 2_000]);
    expect(silences).toEqual([unansweredMax]);
  });

  test("stop - nothing is sent any more", async () => {
    const { port, pinged } = bench(() => ({}));
    const loop = new PingLoop(port, 1_000, () => 0.5);
    loop.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(pinged()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
