import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startService, tryService, type Running } from "../../../src/local/service.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Fake extends Running {
  readonly die: (how: string) => void;
}

function fakes() {
  const started: Fake[] = [];
  const said: string[] = [];
  let problem: Error | undefined;
  const start = async (): Promise<Fake> => {
    await Promise.resolve();
    if (problem !== undefined) throw problem;
    let die: (how: string) => void = () => undefined;
    const ended = new Promise<string>((resolve) => {
      die = resolve;
    });
    const stop = () => {
      die("exit code 0");
      return Promise.resolve();
    };
    const fake: Fake = { pid: started.length + 1, ended, die, stop };
    started.push(fake);
    return fake;
  };
  const restarted = vi.fn();
  const options = {
    name: "gateway",
    layer: 0,
    start,
    say: (line: string) => said.push(line),
    onRestarted: restarted,
  };
  return {
    started,
    said,
    restarted,
    run: async () => (await startService(options, new AbortController().signal)).service,
    tryRun: () => tryService(options, new AbortController().signal),
    fail: (error: Error | undefined) => (problem = error),
  };
}

test("service - that dies is started again, and both are said", async () => {
  const { started, said, restarted, run } = fakes();
  const service = await run();
  started[0]?.die("SIGKILL");
  await vi.advanceTimersByTimeAsync(499);
  expect(service.pid()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(service.pid()).toBe(2);
  expect(said).toEqual([
    "gateway ended with SIGKILL; starting it again in 0.5 s",
    "gateway is back",
  ]);
  expect(restarted).toHaveBeenCalledOnce();
  await service.stop();
});

test("service - that keeps dying is started after ever longer pauses, short again once it was healthy", async () => {
  const { started, said, run } = fakes();
  const service = await run();
  const pauses = () => said.flatMap((line) => /again in ([\d.]+) s/.exec(line)?.[1] ?? []);
  for (let round = 0; round < 9; round++) {
    started.at(-1)?.die("exit code 1");
    await vi.advanceTimersByTimeAsync(30_000);
  }
  expect(pauses()).toEqual(["0.5", "1", "2", "4", "8", "16", "30", "30", "30"]);
  await vi.advanceTimersByTimeAsync(60_001);
  started.at(-1)?.die("exit code 1");
  await vi.advanceTimersByTimeAsync(500);
  expect(pauses().at(-1)).toBe("0.5");
  await service.stop();
});

test("service - whose restart fails is tried again", async () => {
  const { started, said, run, fail } = fakes();
  const service = await run();
  fail(new Error("port taken"));
  started[0]?.die("SIGKILL");
  await vi.advanceTimersByTimeAsync(500);
  expect(said.at(-1)).toBe("gateway does not start: port taken; trying again in 1 s");
  fail(undefined);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(service.pid()).toBe(2);
  await service.stop();
});

test("service - that was stopped is not started again", async () => {
  const { started, said, run } = fakes();
  const service = await run();
  await service.stop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(started).toHaveLength(1);
  expect(said).toEqual([]);
});

test("service - stopped during the pause after a death stays ended", async () => {
  const { started, run } = fakes();
  const service = await run();
  started[0]?.die("SIGKILL");
  await vi.advanceTimersByTimeAsync(100);
  await service.stop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(started).toHaveLength(1);
});

test("service - whose first start fails is the caller's to deal with", async () => {
  const { run, fail } = fakes();
  fail(new Error("no disk"));
  await expect(run()).rejects.toThrow("no disk");
});

test("service - that the rest can do without is tried again though its first start failed", async () => {
  const { said, tryRun, fail } = fakes();
  fail(new Error("no libvirt"));
  const service = await tryRun();
  expect(said).toEqual(["gateway does not start: no libvirt"]);
  fail(undefined);
  await vi.advanceTimersByTimeAsync(500);
  expect(service.pid()).toBe(1);
  await service.stop();
});
