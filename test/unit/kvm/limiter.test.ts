import { describe, expect, it } from "vitest";
import { Limiter } from "../../../src/resources/kvm/limiter.ts";

describe("Limiter", () => {
  const never = new AbortController().signal;
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it("tasks - run at most so many at once, in the order they came", async () => {
    const limiter = new Limiter(2);
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const tasks = [0, 1, 2, 3].map((no) =>
      limiter.run(never, async () => {
        started.push(no);
        await new Promise<void>((end) => ends.push(end));
        return no;
      }),
    );
    await settle();
    expect(started).toEqual([0, 1]);
    ends[1]?.();
    await settle();
    expect(started).toEqual([0, 1, 2]);
    ends[0]?.();
    await settle();
    ends[2]?.();
    ends[3]?.();
    expect(await Promise.all(tasks)).toEqual([0, 1, 2, 3]);
  });

  it("a task that fails - makes room", async () => {
    const limiter = new Limiter(1);
    await expect(limiter.run(never, () => Promise.reject(new Error("failed")))).rejects.toThrow(
      "failed",
    );
    expect(await limiter.run(never, () => Promise.resolve("next"))).toBe("next");
  });

  it("an abort - takes the task out of the queue and never starts it", async () => {
    const limiter = new Limiter(1);
    const cancel = new AbortController();
    let release: () => void = () => undefined;
    const first = limiter.run(never, () => new Promise<void>((end) => (release = end)));
    let ran = false;
    const second = limiter.run(cancel.signal, () => Promise.resolve((ran = true)));
    const third = limiter.run(never, () => Promise.resolve("third"));
    cancel.abort(new Error("cancelled"));
    await expect(second).rejects.toThrow("cancelled");
    release();
    await first;
    expect(await third).toBe("third");
    expect(ran).toBe(false);
    await expect(limiter.run(cancel.signal, () => Promise.resolve(1))).rejects.toThrow("cancelled");
  });
});
