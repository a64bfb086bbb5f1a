import { afterEach, describe, expect, it, vi } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import { ProgressRelay } from "../../../src/gateway/progress-relay.ts";

const answer = (id: string, details = ""): Answer => ({
  ...{ type: "StopVmAnswer", commandId: id, result: true, details },
});

function relay(send?: () => Promise<void>) {
  vi.useFakeTimers();
  const sent: string[] = [];
  const progress = new ProgressRelay({
    nowMs: () => Date.now(),
    send: (agentId, { seq, answers }) => {
      sent.push(`${agentId}/${seq}: ${answers.map(({ commandId }) => commandId).join(" ")}`);
      return send?.() ?? Promise.resolve();
    },
  });
  return { progress, sent };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("progress relay", () => {
  it("a Request - is told soon, then every 5 s at most, with all that is new", async () => {
    const { progress, sent } = relay();
    progress.note("a", 1, answer("c1"));
    progress.note("a", 1, answer("c2"));
    progress.note("b", 1, answer("d1"));
    await vi.advanceTimersByTimeAsync(1_500);
    expect(sent).toEqual(["a/1: c1 c2", "b/1: d1"]);
    progress.note("a", 1, answer("c3"));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(sent.slice(2)).toEqual(["a/1: c3"]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(progress.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a Response that comes first - nothing is told", async () => {
    const { progress, sent } = relay();
    progress.note("a", 1, answer("c1"));
    progress.ended("a", 1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("large Answers, and floods - are left to the Response", async () => {
    const { progress, sent } = relay();
    progress.note("a", 1, answer("large", "x".repeat(20_000)));
    for (let i = 0; i < 100; i++) progress.note("a", 2, answer(`c${i}`, "x".repeat(10_000)));
    for (let seq = 0; seq < 5_000; seq++) progress.note("b", seq, answer("c"));
    expect(progress.size).toBeLessThanOrEqual(2_000);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(sent.some((text) => text.startsWith("a/1"))).toBe(false);
    expect(sent.find((text) => text.startsWith("a/2"))?.split(" ").length).toBeLessThan(20);
    progress.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("Temporal that hangs or refuses - holds up nobody and keeps nothing", async () => {
    const { progress, sent } = relay(() => Promise.reject(new Error("away")));
    progress.note("a", 1, answer("c1"));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sent).toHaveLength(1);
    expect(progress.size).toBe(0);
    expect(progress.told).toBe(0);
  });
});
