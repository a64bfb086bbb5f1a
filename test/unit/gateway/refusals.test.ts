import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RefusalToWrite } from "../../../src/db/index.ts";
import { Refusals, type Refusal } from "../../../src/gateway/refusals.ts";
import type { RefusedMessage } from "../../../src/workflows/agent-messages.ts";

const minuteMs = 60_000;
const wrongPlace: Refusal = {
  agentId: "a",
  code: "CLUSTER_UNKNOWN",
  reason: "Declare it.",
  peer: "10.0.0.1:4000",
  zone: "z",
  cluster: "c",
  resourceType: "kvm",
  proven: true,
  retryable: false,
};

/** A database and a lifecycle that remember what they were told. */
class World {
  away = false;
  readonly written: RefusalToWrite[][] = [];
  readonly trims: number[] = [];
  readonly told: (RefusedMessage & { agentId: string })[] = [];
  readonly warnings: string[] = [];
  readonly refusals = new Refusals({
    gatewayId: "g",
    log: pino({ level: "warn" }, { write: (line) => this.warnings.push(line) }),
    nowMs: () => Date.now(),
    write: (batch) => {
      if (this.away) return Promise.reject(new Error("away"));
      this.written.push([...batch]);
      return Promise.resolve();
    },
    trim: (max) => {
      this.trims.push(max);
      return Promise.resolve();
    },
    tell: (agentId, message) => this.told.push({ agentId, ...message }),
  });

  get rows(): RefusalToWrite[] {
    return this.written.flat();
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("refusals", () => {
  it("refusals - are written within about a second, in one statement", async () => {
    const world = new World();
    world.refusals.note(wrongPlace);
    world.refusals.note({ ...wrongPlace, agentId: "b" });
    expect(world.written).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(world.written).toHaveLength(1);
    expect(world.rows).toMatchObject([
      { agentId: "a", code: "CLUSTER_UNKNOWN", gatewayId: "g", count: 1 },
      { agentId: "b" },
    ]);
    expect(world.rows[0]?.agoMs).toBeGreaterThanOrEqual(1_000);
  });

  it("refusals - an agent that hammers costs a row now and then, and none of its tries is uncounted", async () => {
    const world = new World();
    for (let i = 0; i < 600; i++) {
      world.refusals.note(wrongPlace);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(world.rows.length).toBeLessThanOrEqual(3);
    await vi.advanceTimersByTimeAsync(minuteMs);
    world.refusals.note(wrongPlace);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(world.rows.reduce((sum, { count }) => sum + count, 0)).toBe(601);
  });

  it("refusals - the lifecycle hears of the same one once in ten minutes, of another one at once", async () => {
    const world = new World();
    for (let i = 0; i < 10; i++) {
      world.refusals.note(wrongPlace);
      await vi.advanceTimersByTimeAsync(minuteMs);
    }
    expect(world.told).toEqual([
      { agentId: "a", code: "CLUSTER_UNKNOWN", details: "Declare it.", retryable: false },
    ]);
    world.refusals.note(wrongPlace);
    expect(world.told).toHaveLength(2);
    world.refusals.note({ ...wrongPlace, code: "RESOURCE_TYPE_MISMATCH" });
    expect(world.told).toHaveLength(3);
  });

  it("refusals - a veto that words its reason anew each time is told no more often", () => {
    const world = new World();
    for (let i = 0; i < 10; i++) {
      world.refusals.note({ ...wrongPlace, retryable: true, reason: `load ${i}` });
    }
    expect(world.told).toHaveLength(1);
  });

  it("refusals - of an agent that proved nothing the lifecycle hears nothing", () => {
    const world = new World();
    world.refusals.note({ ...wrongPlace, code: "SECRET_WRONG", proven: false });
    expect(world.told).toEqual([]);
    expect(world.warnings).toHaveLength(1);
  });

  it("refusals - are a warning in the log once, not at each try", () => {
    const world = new World();
    for (let i = 0; i < 5; i++) world.refusals.note(wrongPlace);
    expect(world.warnings).toHaveLength(1);
    expect(JSON.parse(world.warnings[0] ?? "")).toMatchObject({
      agentId: "a",
      code: "CLUSTER_UNKNOWN",
      msg: "agent refused: Declare it.",
    });
  });

  it("refusals - an agent that was admitted meanwhile is not written", async () => {
    const world = new World();
    world.refusals.note(wrongPlace);
    world.refusals.forget("a");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(world.rows).toEqual([]);
  });

  it("refusals - a database that is away gets them when it is back", async () => {
    const world = new World();
    world.away = true;
    world.refusals.note(wrongPlace);
    await vi.advanceTimersByTimeAsync(3_000);
    world.away = false;
    world.refusals.note(wrongPlace);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(world.rows).toMatchObject([{ agentId: "a", count: 2 }]);
  });

  it("refusals - made-up ids fill neither the memory nor, in one go, the table", async () => {
    const world = new World();
    for (let i = 0; i < 10_000; i++) {
      world.refusals.note({ ...wrongPlace, agentId: `x${i}`, proven: false });
    }
    expect(world.refusals.size).toBeLessThanOrEqual(4_096);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(world.rows.length).toBeLessThanOrEqual(200);
    expect(world.trims).toEqual([1_000]);
    // Long after their last try they are forgotten.
    await vi.advanceTimersByTimeAsync(11 * minuteMs);
    world.refusals.note(wrongPlace);
    expect(world.refusals.size).toBe(1);
  });

  it("refusals - what waits is written when the gateway stops, and nothing after", async () => {
    const world = new World();
    world.refusals.note(wrongPlace);
    await world.refusals.close();
    expect(world.rows).toHaveLength(1);
    world.refusals.note({ ...wrongPlace, agentId: "b" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(world.rows).toHaveLength(1);
  });
});
