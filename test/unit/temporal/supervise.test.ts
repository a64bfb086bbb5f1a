import type { Worker } from "@temporalio/worker";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { superviseWorker } from "../../../src/temporal/supervise.ts";

/** The pause between two tries is a real second. */
const patience = { timeout: 10_000 };
const log = pino({ level: "silent" });

/** As much of a Worker as supervision touches. */
class FakeWorker {
  state = "INITIALIZED";
  #end: { resolve: () => void; reject: (error: Error) => void } | undefined;

  run(): Promise<void> {
    this.state = "RUNNING";
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject };
    });
  }
  getState(): string {
    return this.state;
  }
  getStatus(): { numCachedWorkflows: number } {
    return { numCachedWorkflows: 7 };
  }
  shutdown(): void {
    this.state = "DRAINING";
  }
  drained(): void {
    this.state = "STOPPED";
    this.#end?.resolve();
  }
  fail(): void {
    this.state = "FAILED";
    this.#end?.reject(new Error("gone"));
  }
}

function supervise(createFails = 0) {
  const workers: FakeWorker[] = [];
  const stop = new AbortController();
  let failures = createFails;
  const create = (): Promise<Worker> => {
    if (failures-- > 0) return Promise.reject(new Error("no"));
    const worker = new FakeWorker();
    workers.push(worker);
    return Promise.resolve(worker as unknown as Worker);
  };
  const supervised = superviseWorker("lifecycle", create, log, stop.signal);
  let stopped = false;
  void supervised.stopped.then(() => (stopped = true));
  return { workers, stop, supervised, isStopped: () => stopped };
}

describe("a supervised worker", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("runs until it is told to stop, and has stopped when it has drained", async () => {
    const { workers, stop, supervised, isStopped } = supervise();
    expect(supervised.state()).toBe("starting");
    await supervised.running;
    expect(supervised.state()).toBe("RUNNING");
    expect(supervised.cachedWorkflows()).toBe(7);
    stop.abort();
    expect(supervised.state()).toBe("DRAINING");
    expect(isStopped()).toBe(false);
    workers[0]?.drained();
    await supervised.stopped;
    expect(workers).toHaveLength(1);
  });

  it("is made anew after it failed", async () => {
    const { workers, stop, supervised } = supervise();
    await supervised.running;
    workers[0]?.fail();
    await vi.waitFor(() => {
      expect(supervised.state()).toBe("restarting");
    });
    expect(supervised.restarts()).toBe(1);
    await vi.waitFor(() => {
      expect(workers).toHaveLength(2);
    }, patience);
    expect(supervised.state()).toBe("RUNNING");
    stop.abort();
    workers[1]?.drained();
    await supervised.stopped;
  });

  it("is tried again when it can't be made", async () => {
    const { workers, stop, supervised } = supervise(2);
    await vi.waitFor(() => {
      expect(workers).toHaveLength(1);
    }, 10_000);
    expect(supervised.restarts()).toBe(2);
    stop.abort();
    workers[0]?.drained();
    await supervised.stopped;
  });

  it("stops at once while it pauses between two tries", async () => {
    const { stop, supervised } = supervise(99);
    await vi.waitFor(() => {
      expect(supervised.restarts()).toBe(1);
    });
    stop.abort();
    await supervised.stopped;
    expect(supervised.restarts()).toBe(1);
  });
});
