import { describe, expect, it } from "vitest";
import {
  firstPace,
  movesAtOnce,
  paceAfter,
  paceAt,
  type MovePace,
} from "../../../src/lifecycle/move-pace.ts";

/**
 * Moves through a machine that works on `workers` at once for `workMs` each, all others in one queue; the rate is bounded by
 * `perSecond`. Gives the pace, how long the last moves waited in the queue, and the rate.
 */
function machine(workers: number, workMs: number) {
  let nowMs = 0;
  let pace = firstPace(0);
  const free = Array.from({ length: workers }, () => 0);
  let open: { readonly askedMs: number; readonly endMs: number; othersWaited: boolean }[] = [];
  const run = (moves: number, perSecond = Infinity, failed = () => false) => {
    const startedMs = nowMs;
    const waits: number[] = [];
    for (let i = 0; i < moves; i++) {
      nowMs = Math.max(nowMs, startedMs + (i * 1_000) / perSecond);
      const end = () => {
        const next = open.reduce((a, b) => (b.endMs < a.endMs ? b : a));
        nowMs = Math.max(nowMs, next.endMs);
        const tookMs = next.endMs - next.askedMs;
        waits.push(tookMs - workMs);
        const move = { tookMs, othersWaited: next.othersWaited, failed: failed() };
        pace = paceAfter(paceAt(pace, nowMs), move, nowMs);
        open = open.filter((one) => one !== next);
      };
      while (open.some(({ endMs }) => endMs <= nowMs)) end();
      while (open.length >= Math.floor(pace.atOnce)) {
        for (const one of open) one.othersWaited = true;
        end();
      }
      const at = free.indexOf(Math.min(...free));
      const beginMs = Math.max(nowMs, free[at] ?? 0);
      free[at] = beginMs + workMs;
      open.push({ askedMs: nowMs, endMs: beginMs + workMs, othersWaited: false });
    }
    const perSecondSeen = (moves * 1_000) / (nowMs - startedMs);
    const last = waits.slice(-100);
    const waitMs = last.reduce((sum, ms) => sum + ms, 0) / last.length;
    return { atOnce: pace.atOnce, waitMs, perSecond: perSecondSeen };
  };
  return { run, pass: (ms: number) => (nowMs += ms) };
}

describe("pace of moves", () => {
  it.each([
    { workers: 1, workMs: 33 },
    { workers: 2, workMs: 60 },
    { workers: 10, workMs: 20 },
    { workers: 24, workMs: 50 },
  ])("$workers at once, $workMs ms each - uses all of it with a short queue", (machineOf) => {
    const { workers, workMs } = machineOf;
    const { run } = machine(workers, workMs);
    run(200);
    const { perSecond, waitMs } = run(400);
    const manages = (workers * 1_000) / workMs;
    expect(perSecond).toBeGreaterThan(0.9 * manages);
    // In moves that the machine manages in that time.
    expect(waitMs).toBeLessThanOrEqual((9 * 1_000) / manages);
  });

  it("a rate below what the machine manages - is kept, and lets nothing grow", () => {
    const { run } = machine(10, 20);
    const { perSecond, atOnce, waitMs } = run(1_000, 100);
    expect(perSecond).toBeGreaterThan(98);
    expect(atOnce).toBeLessThan(15);
    expect(waitMs).toBe(0);
  });

  it("moves that fail - leave the fewest at once, and those that go well bring them back", () => {
    const { run } = machine(10, 20);
    expect(run(200, Infinity, () => true).atOnce).toBe(movesAtOnce.least);
    expect(run(200).atOnce).toBeGreaterThanOrEqual(10);
  });

  it("never more at once than a gateway takes handshakes", () => {
    expect(machine(1_000, 20).run(5_000).atOnce).toBe(movesAtOnce.most);
  });

  it("a machine that others keep busy from now on - is judged by what it manages now", () => {
    const took = (pace: MovePace, tookMs: number, atMs: number) =>
      paceAfter(pace, { tookMs, othersWaited: true, failed: false }, atMs);
    let pace = firstPace(0);
    for (let i = 0; i < 100; i++) pace = took(pace, 20, i);
    expect(pace.atOnce).toBeGreaterThan(20);
    for (let i = 0; i < 200; i++) pace = took(pace, 100, 1_000 + i);
    expect(pace.atOnce).toBeLessThan(9);
    for (let i = 0; i < 1_000; i++) pace = took(pace, 100, 40_000 + i * 70);
    expect(pace.atOnce).toBeGreaterThan(20);
  });

  it("a pace that was not used for a minute - begins anew", () => {
    const pace = { ...firstPace(0), atOnce: 40, quickestMs: 10, lastMs: 5_000 };
    expect(paceAt(pace, 65_000)).toBe(pace);
    expect(paceAt(pace, 65_001)).toEqual(firstPace(65_001));
  });
});
