import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Db, EventRow } from "../../../src/db/index.ts";
import { EventHub } from "../../../src/gateway/api/event-hub.ts";
import { createLog } from "../../../src/telemetry/log.ts";

/** The event log as the hub sees it: two statements. */
class FakeLog {
  readonly rows: EventRow[] = [];
  looks = 0;
  readonly db: Db = {
    query: (text: string, values?: readonly unknown[]) => {
      this.looks++;
      if (text.includes("DESC LIMIT 1") && values === undefined) {
        return Promise.resolve({ rows: this.rows.slice(-1) });
      }
      const [afterId, agentId, limit] = values as [number, string | null, number];
      const rows = this.rows
        .filter((row) => row.id > afterId && (agentId === null || row.agentId === agentId))
        .slice(0, limit);
      return Promise.resolve({ rows });
    },
  } as unknown as Db;

  add(count: number, agentId = "a"): void {
    for (let i = 0; i < count; i++) {
      const id = this.rows.length + 1;
      const at = new Date(0);
      this.rows.push({ id, agentId, no: id, at, epoch: 1, type: "status", text: "", data: null });
    }
  }
}

/** Collects the ids that a reader gets; `idle` counts its empty batches. */
function collect(hub: EventHub, options: { afterId?: number; agentId?: string } = {}) {
  const stop = new AbortController();
  const got = {
    ids: [] as number[],
    idle: 0,
    done: false,
    stop: () => {
      stop.abort();
    },
  };
  void (async () => {
    for await (const batch of hub.read({ ...options, idleMs: 15_000 }, stop.signal)) {
      if (batch.length === 0) got.idle++;
      got.ids.push(...batch.map(({ id }) => id));
    }
    got.done = true;
  })();
  return got;
}

let log: FakeLog;
let hub: EventHub;
beforeEach(() => {
  vi.useFakeTimers();
  log = new FakeLog();
  hub = new EventHub({ db: log.db, log: createLog("test", "silent"), pollMs: 500 });
});
afterEach(() => {
  vi.useRealTimers();
});
const pass = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms);
};
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("EventHub", () => {
  it("many readers - one look at the database for each interval, whatever their number", async () => {
    const readers = Array.from({ length: 50 }, () => collect(hub));
    await pass(0);
    log.looks = 0;
    await pass(5_000);
    expect(log.looks).toBe(10);
    log.add(3);
    await pass(500);
    for (const reader of readers) expect(reader.ids).toEqual([1, 2, 3]);
    expect(log.looks).toBe(11);
    for (const reader of readers) reader.stop();
    await pass(0);
    expect(readers.every(({ done }) => done)).toBe(true);
    log.looks = 0;
    await pass(60_000);
    expect(log.looks).toBe(0);
  });

  it("a reader from the beginning - gets all in batches and then news, each once", async () => {
    log.add(1_300);
    const reader = collect(hub, { afterId: 0 });
    await pass(0);
    expect(reader.ids).toEqual(range(1, 1_300));
    log.add(700);
    await pass(1_000);
    expect(reader.ids).toEqual(range(1, 2_000));
    reader.stop();
  });

  it("a reader of one agent - gets that agent's only, and asks the database no more once it is up to date", async () => {
    log.add(600, "a");
    log.add(2, "b");
    log.add(600, "a");
    const reader = collect(hub, { afterId: 0, agentId: "b" });
    await pass(0);
    expect(reader.ids).toEqual([601, 602]);
    log.looks = 0;
    log.add(5, "a");
    log.add(1, "b");
    await pass(500);
    expect(reader.ids).toEqual([601, 602, 1_208]);
    expect(log.looks).toBe(1);
    reader.stop();
  });

  it("a burst that is more than the hub keeps - reaches every reader whole, each once", async () => {
    const readers = [collect(hub), collect(hub, { agentId: "b" })];
    await pass(0);
    log.add(2_600, "a");
    log.add(1, "b");
    await pass(1_000);
    log.add(3, "a");
    log.add(1, "b");
    await pass(1_000);
    expect(readers[0]?.ids).toEqual(range(1, 2_605));
    expect(readers[1]?.ids).toEqual([2_601, 2_605]);
    for (const reader of readers) reader.stop();
  });

  it("silence - is said each time it lasted the idle time", async () => {
    const reader = collect(hub);
    await pass(46_000);
    expect(reader.idle).toBe(3);
    reader.stop();
  });

  it("news that came while nobody read - are no news", async () => {
    const early = collect(hub);
    await pass(0);
    early.stop();
    await pass(0);
    log.add(5);
    const late = collect(hub);
    await pass(600);
    log.add(1);
    await pass(600);
    expect(late.ids).toEqual([6]);
    late.stop();
  });
});
