import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PowerState, ResourceStatus } from "../../../src/api/index.ts";
import type { InventoryToWrite } from "../../../src/db/index.ts";
import { Inventory, type InventoriedSession } from "../../../src/gateway/inventory.ts";
import { hashOfWorkloads } from "../../../src/gateway/workloads-hash.ts";

const log = pino({ level: "silent" });
const host = (workloads?: Record<string, PowerState>, name = "host"): ResourceStatus => ({
  name,
  healthy: true,
  ...(workloads !== undefined && { workloads }),
});
const sessionOf = (agentId: string, epoch = 1): InventoriedSession => ({
  agentId,
  epoch,
  workloadsHash: undefined,
});

class Database {
  away = false;
  readonly written: InventoryToWrite[][] = [];
  readonly write = (batch: readonly InventoryToWrite[]): Promise<void> => {
    if (this.away) return Promise.reject(new Error("away"));
    this.written.push([...batch]);
    return Promise.resolve();
  };
  get rows(): InventoryToWrite[] {
    return this.written.flat();
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("inventory", () => {
  it("inventory - what changed is written within about a second; what did not, is not", async () => {
    const database = new Database();
    const inventory = new Inventory(database.write, log);
    const session = sessionOf("a");
    for (let i = 0; i < 5; i++) {
      inventory.onPing(session, { resources: [host({ "vm-1": "On", "vm-2": "Off" })] });
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(database.rows).toEqual([
      {
        agentId: "a",
        epoch: 1,
        workloads: [
          { resource: "host", name: "vm-1", power: "On" },
          { resource: "host", name: "vm-2", power: "Off" },
        ],
        silent: [],
      },
    ]);
    inventory.onPing(session, { resources: [host({ "vm-2": "Off", "vm-1": "Off" })] });
    await vi.advanceTimersByTimeAsync(1_100);
    expect(database.rows).toHaveLength(2);
  });

  it("inventory - many hosts go in one statement, the newest word of each", async () => {
    const database = new Database();
    const inventory = new Inventory(database.write, log);
    const sessions = Array.from({ length: 100 }, (_, i) => sessionOf(`a${i}`));
    for (const power of ["On", "Off"] as const) {
      for (const session of sessions)
        inventory.onPing(session, { resources: [host({ vm: power })] });
    }
    await vi.advanceTimersByTimeAsync(1_100);
    expect(database.written).toHaveLength(1);
    expect(database.rows).toHaveLength(100);
    expect(database.rows.every(({ workloads }) => workloads[0]?.power === "Off")).toBe(true);
  });

  it("inventory - a resource that can't say is named, a ping that says nothing is not written", async () => {
    const database = new Database();
    const inventory = new Inventory(database.write, log);
    inventory.onPing(sessionOf("a"), { resources: [host(undefined)] });
    inventory.onPing(sessionOf("b"), { resources: [host({}), host(undefined, "other")] });
    await vi.advanceTimersByTimeAsync(1_100);
    expect(database.rows).toEqual([{ agentId: "b", epoch: 1, workloads: [], silent: ["other"] }]);
  });

  it("inventory - power states that nobody knows are Unknown", async () => {
    const database = new Database();
    const inventory = new Inventory(database.write, log);
    inventory.onPing(sessionOf("a"), { resources: [host({ vm: "Exploded" as PowerState })] });
    await vi.advanceTimersByTimeAsync(1_100);
    expect(database.rows[0]?.workloads).toEqual([
      { resource: "host", name: "vm", power: "Unknown" },
    ]);
  });

  it("inventory - while the database is away so much waits and no more; what was dropped comes again", async () => {
    const database = new Database();
    database.away = true;
    const inventory = new Inventory(database.write, log, { waitingMax: 10 });
    const sessions = Array.from({ length: 30 }, (_, i) => sessionOf(`a${i}`));
    const resources = [host({ vm: "On" })];
    for (const session of sessions) inventory.onPing(session, { resources });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(inventory.size).toBe(10);
    database.away = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(database.rows).toHaveLength(10);
    // The next ping of each: those that were dropped are written, the others not again.
    for (const session of sessions.slice(0, 10)) inventory.onPing(session, { resources });
    for (const session of sessions.slice(20)) inventory.onPing(session, { resources });
    await vi.advanceTimersByTimeAsync(1_100);
    expect(new Set(database.rows.map(({ agentId }) => agentId)).size).toBe(20);
    expect(database.rows).toHaveLength(20);
  });

  it("inventory - a newer word that comes during a write is written, too", async () => {
    const written: InventoryToWrite[] = [];
    let finish = (): void => undefined;
    const inventory = new Inventory((batch) => {
      written.push(...batch);
      return new Promise((resolve) => {
        finish = resolve;
      });
    }, log);
    const session = sessionOf("a");
    inventory.onPing(session, { resources: [host({ vm: "On" })] });
    await vi.advanceTimersByTimeAsync(1_100);
    inventory.onPing(session, { resources: [host({ vm: "Off" })] });
    finish();
    await vi.advanceTimersByTimeAsync(1_100);
    expect(written.map(({ workloads }) => workloads[0]?.power)).toEqual(["On", "Off"]);
    finish();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(inventory.size).toBe(0);
  });
});

describe("hash of workloads", () => {
  const power = fc.constantFrom<PowerState>("On", "Off", "Paused", "Unknown");
  const workloads = fc.dictionary(fc.string(), power, { noNullPrototype: true });

  it("hash of workloads - is the same in whatever order they are listed", () => {
    fc.assert(
      fc.property(workloads, (some) => {
        const turned = Object.fromEntries(Object.entries(some).reverse());
        expect(hashOfWorkloads([host(turned)])).toBe(hashOfWorkloads([host(some)]));
      }),
    );
  });

  it("hash of workloads - is another one after any change, and a whole number in any case", () => {
    fc.assert(
      fc.property(workloads, fc.string(), power, power, (some, name, before, after) => {
        fc.pre(before !== after);
        const hash = hashOfWorkloads([host({ ...some, [name]: before })]);
        expect(hash).not.toBe(hashOfWorkloads([host({ ...some, [name]: after })]));
        expect(Number.isSafeInteger(hash)).toBe(true);
      }),
    );
  });

  it("hash of workloads - tells resources apart, and knows when nobody says anything", () => {
    const one = hashOfWorkloads([host({ vm: "On" }), host({}, "b")]);
    expect(one).not.toBe(hashOfWorkloads([host({}), host({ vm: "On" }, "b")]));
    expect(one).not.toBe(hashOfWorkloads([host({ vm: "On" }), host(undefined, "b")]));
    expect(hashOfWorkloads([])).toBeUndefined();
    expect(hashOfWorkloads([host(undefined)])).toBeUndefined();
  });
});
