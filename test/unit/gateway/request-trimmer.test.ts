import { pino } from "pino";
import { afterEach, expect, it, vi } from "vitest";
import { RequestTrimmer } from "../../../src/gateway/request-trimmer.ts";

const log = pino({ level: "silent" });

afterEach(() => {
  vi.useRealTimers();
});

it("request trimmer - works in bounded batches, goes on after a failure, and ends when it is closed", async () => {
  vi.useFakeTimers();
  let left = 100_500;
  let away = false;
  const asked: number[] = [];
  const trimmer = new RequestTrimmer((most) => {
    if (away) return Promise.reject(new Error("away"));
    asked.push(most);
    const gone = Math.min(most, left);
    left -= gone;
    return Promise.resolve(gone);
  }, log);
  trimmer.start();
  await vi.advanceTimersByTimeAsync(90_000);
  expect(left).toBeGreaterThan(0);
  expect(Math.max(...asked)).toBe(1_000);
  away = true;
  await vi.advanceTimersByTimeAsync(90_000);
  away = false;
  while (left > 0) await vi.advanceTimersByTimeAsync(90_000);
  await trimmer.close();
  expect(vi.getTimerCount()).toBe(0);
});
