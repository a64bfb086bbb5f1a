import { describe, expect, it } from "vitest";
import { ListenerQueue } from "../../../src/hooks/listener-queue.ts";

/** Entries that end when the test says so. */
class Work {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  entry(name: string): () => Promise<void> {
    return () =>
      new Promise((resolve) => {
        this.begun.push(name);
        this.#ends.set(name, resolve);
      });
  }

  async end(...names: string[]): Promise<void> {
    for (const name of names) {
      this.#ends.get(name)?.();
      // The queue begins the next one a few microtasks later.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe("listener queue", () => {
  it("one agent - its entries run one after the other, in order", async () => {
    const work = new Work();
    const queue = new ListenerQueue({ waitingMax: 10, atOnce: 4 });
    for (const name of ["a1", "a2", "a3"]) queue.push("a", work.entry(name));
    expect(work.begun).toEqual(["a1"]);
    await work.end("a1", "a2");
    expect(work.begun).toEqual(["a1", "a2", "a3"]);
  });

  it("several agents - run at the same time, as many as may, then in the order of their turn", async () => {
    const work = new Work();
    const queue = new ListenerQueue({ waitingMax: 10, atOnce: 2 });
    for (const name of ["a1", "a2", "b1", "c1"]) queue.push(name.charAt(0), work.entry(name));
    expect(work.begun).toEqual(["a1", "b1"]);
    expect(queue.waiting).toBe(2);
    await work.end("a1", "c1", "b1", "a2");
    expect(work.begun).toEqual(["a1", "b1", "c1", "a2"]);
    expect(queue.waiting).toBe(0);
  });

  it("full - the oldest that waits gives way and is counted, what runs is not touched", async () => {
    const work = new Work();
    const queue = new ListenerQueue({ waitingMax: 2, atOnce: 1 });
    for (const name of ["a1", "b1", "a2", "c1", "a3"]) queue.push(name.charAt(0), work.entry(name));
    expect(queue.dropped).toBe(2);
    expect(queue.waiting).toBe(2);
    await work.end("a1", "c1", "a3");
    expect(work.begun).toEqual(["a1", "c1", "a3"]);
    queue.push("b", work.entry("b2"));
    expect(work.begun.at(-1)).toBe("b2");
  });

  it("an agent that is done with - leaves nothing behind", async () => {
    const work = new Work();
    const queue = new ListenerQueue({ waitingMax: 2, atOnce: 1 });
    for (let i = 0; i < 100; i++) {
      queue.push(`agent-${i}`, work.entry(`agent-${i}`));
      await work.end(`agent-${i}`);
    }
    expect(work.begun).toHaveLength(100);
    expect({ waiting: queue.waiting, dropped: queue.dropped }).toEqual({ waiting: 0, dropped: 0 });
  });
});
