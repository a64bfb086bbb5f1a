import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Pool } from "../../../src/agent/pool.ts";
import { Sequencer, type SequencedJob } from "../../../src/agent/sequencer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Jobs that the test ends, and what the sequencer does with them. */
function bench(finished: readonly number[] = []) {
  const sequencer = new Sequencer(finished);
  const started: number[] = [];
  const running = new Map<number, () => void>();
  let mostAtOnce = 0;
  const job = (seq: number, after?: SequencedJob["after"]) => {
    sequencer.submit({
      seq,
      after,
      run: () =>
        new Promise<void>((resolve) => {
          started.push(seq);
          running.set(seq, resolve);
          mostAtOnce = Math.max(mostAtOnce, running.size);
        }),
    });
  };
  const end = async () => {
    for (const [seq, resolve] of running) {
      running.delete(seq);
      resolve();
    }
    await vi.advanceTimersByTimeAsync(0);
  };
  return { sequencer, job, end, started, atOnce: () => mostAtOnce, busy: () => running.size > 0 };
}

describe("sequencer", () => {
  test("one at a time - lowest seq first", async () => {
    const { job, end, started } = bench();
    for (const seq of [1, 5, 3]) job(seq);
    expect(started).toEqual([1]);
    await end();
    await end();
    expect(started).toEqual([1, 3, 5]);
  });

  test("after - holds until that one is finished, even if it comes later", async () => {
    const { job, end, started } = bench();
    job(3, { seq: 2, withinMs: 1_000 });
    expect(started).toEqual([]);
    job(2);
    await end();
    expect(started).toEqual([2, 3]);
  });

  test("after - lets go when withinMs is over, but never beside another", async () => {
    const { job, end, started } = bench();
    job(3, { seq: 2, withinMs: 1_000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(started).toEqual([]);
    job(9);
    await vi.advanceTimersByTimeAsync(1);
    expect(started).toEqual([9]);
    await end();
    expect(started).toEqual([9, 3]);
  });

  test("after - one finished in an earlier run does not hold", () => {
    const { job, started } = bench([2]);
    job(3, { seq: 2, withinMs: 1_000 });
    expect(started).toEqual([3]);
  });

  test("W2 - a Request that fails to run does not wedge the queue", async () => {
    const { sequencer, job, end, started } = bench([1]);
    sequencer.submit({ seq: 2, run: () => Promise.reject(new Error("the send failed")) });
    sequencer.submit({
      seq: 3,
      run: () => {
        throw new Error("it failed at once");
      },
    });
    job(4, { seq: 3, withinMs: 1_000 });
    await end();
    expect(started).toEqual([4]);
  });

  test("W3 - late and foreign news never start a second one beside the one that runs", async () => {
    const { sequencer, job, end, started, atOnce } = bench();
    job(1);
    job(3, { seq: 2, withinMs: 1_000 });
    job(4, { seq: 3, withinMs: 1_000 });
    // A Request that nobody sent, one that never comes, one whose wait for its turn is over.
    sequencer.passOver(99);
    sequencer.passOver(2);
    expect(sequencer.withdraw(1)).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(started).toEqual([1]);
    for (let i = 0; i < 3; i++) await end();
    expect([started, atOnce()]).toEqual([[1, 3, 4], 1]);
  });

  test("W4 - cancel of one that waits frees the next, and only that", async () => {
    const { sequencer, job, end, started } = bench();
    job(1);
    job(3, { seq: 2, withinMs: 1_000 });
    job(4, { seq: 3, withinMs: 1_000 });
    job(2, { seq: 1, withinMs: 1_000 });
    expect(sequencer.withdraw(2)).toBe(true);
    expect(started).toEqual([1]);
    await end();
    expect(started).toEqual([1, 3]);
    expect([sequencer.withdraw(3), sequencer.withdraw(2)]).toEqual([false, false]);
    await end();
    expect(started).toEqual([1, 3, 4]);
  });

  test("withdraw - who named it waits for what it waited for, and no longer", async () => {
    const { sequencer, job, started } = bench();
    job(2, { seq: 1, withinMs: 500 });
    job(3, { seq: 2, withinMs: 5_000 });
    expect(sequencer.withdraw(2)).toBe(true);
    // Also one that comes later.
    job(4, { seq: 2, withinMs: 5_000 });
    await vi.advanceTimersByTimeAsync(499);
    expect(started).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(started).toEqual([3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("passOver - the same for one that never comes to wait", async () => {
    const { sequencer, job, started } = bench();
    job(3, { seq: 2, withinMs: 5_000 });
    sequencer.passOver(2, { after: { seq: 1, withinMs: 100 } });
    expect(started).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(started).toEqual([3]);
  });

  test("alsoAfter - holds longer than the one in after, which never came", async () => {
    const { sequencer, job, end, started } = bench();
    const run = () => {
      started.push(3);
      return Promise.resolve();
    };
    const alsoAfter = [{ seq: 1, withinMs: 1_000 }];
    sequencer.submit({ seq: 3, after: { seq: 2, withinMs: 30 }, alsoAfter, run });
    await vi.advanceTimersByTimeAsync(500);
    expect(started).toEqual([]);
    job(1);
    await end();
    expect(started).toEqual([1, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("after - numbers that name each other in a circle hold nobody for ever", () => {
    const { sequencer, job, started } = bench();
    sequencer.passOver(1, { after: { seq: 2, withinMs: 1_000 } });
    sequencer.passOver(2, { after: { seq: 1, withinMs: 1_000 } });
    job(3, { seq: 2, withinMs: 1_000 });
    expect(started).toEqual([3]);
  });

  test("stop - nothing starts any more, no timer is left", async () => {
    const { sequencer, job, end, started } = bench();
    job(1);
    job(2);
    job(4, { seq: 3, withinMs: 1_000 });
    sequencer.stop();
    await end();
    expect(started).toEqual([1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("any arrival order of a chain - runs in seq order, one at a time, all of it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 1 }),
        fc.array(fc.boolean()),
        async (arrivals, endings) => {
          const { job, end, started, atOnce, busy } = bench();
          const chain = [...arrivals].sort((x, y) => x - y);
          arrivals.forEach((seq, i) => {
            const before = chain[chain.indexOf(seq) - 1];
            job(seq, before === undefined ? undefined : { seq: before, withinMs: 60_000 });
            if (endings[i] === true) void end();
          });
          for (let i = 0; i < 20 && (busy() || started.length < arrivals.length); i++) await end();
          expect(started).toEqual(chain);
          expect(atOnce()).toBe(1);
        },
      ),
    );
  });
});

describe("pool", () => {
  test("bounds - so many run, so many wait, the rest is refused", async () => {
    const pool = new Pool<number>(2, 1);
    const ends: (() => void)[] = [];
    const started: number[] = [];
    const submit = (key: number) =>
      pool.submit(key, () => {
        started.push(key);
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    expect([1, 2, 3, 4].map(submit)).toEqual([true, true, true, false]);
    expect(started).toEqual([1, 2]);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual([1, 2, 3]);
  });

  test("withdraw - what waits is taken out, what runs is not", () => {
    const pool = new Pool<number>(1, 5);
    const run = () => new Promise<void>(() => undefined);
    pool.submit(1, run);
    pool.submit(2, run);
    expect([pool.withdraw(1), pool.withdraw(2), pool.withdraw(2)]).toEqual([false, true, false]);
  });
});

test("a Request that comes again - waits for what it names then, and for nothing else", async () => {
  const { sequencer, job, end, started } = bench();
  job(4, { seq: 3, withinMs: 60_000 });
  sequencer.renew(4, { after: { seq: 2, withinMs: 60_000 } });
  job(3);
  await end();
  expect(started).toEqual([3]);
  job(2);
  await end();
  expect(started).toEqual([3, 2, 4]);
  // It runs: too late to wait for anything.
  sequencer.renew(4, { after: { seq: 1, withinMs: 60_000 } });
  job(6, { seq: 5, withinMs: 60_000 });
  await end();
  expect(started).toEqual([3, 2, 4]);
  sequencer.renew(6, {});
  expect(started).toEqual([3, 2, 4, 6]);
});
