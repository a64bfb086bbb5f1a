import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RecordWatch } from "../../../src/gateway/record-watch.ts";
import type { RequestView } from "../../../src/workflows/agent-messages.ts";

const log = pino({ level: "silent" });
const view = (requestId: string, state: RequestView["state"] = "pending"): RequestView => ({
  ...{ requestId, seq: 1, state, handed: true, commands: [] },
});

class Records {
  looks: string[] = [];
  heldHere = false;
  settled = new Set<string>();
  readonly watch = new RecordWatch(
    {
      isHeldHere: () => this.heldHere,
      request: (_agentId, requestId) => {
        this.looks.push(requestId);
        return Promise.resolve(
          view(requestId, this.settled.has(requestId) ? "settled" : "pending"),
        );
      },
    },
    log,
  );
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});
const far = 1e9;

describe("record watch", () => {
  it("a Request - is looked at every 2 s for all who wait for it, until it is settled", async () => {
    const records = new Records();
    const seen: string[] = [];
    for (const who of ["one", "two"]) {
      records.watch.watch({ agentId: "a", requestId: "r" }, far, ({ state }) => {
        seen.push(`${who} ${state}`);
      });
    }
    await vi.advanceTimersByTimeAsync(1_900);
    expect(records.looks).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(seen).toEqual(["one pending", "two pending"]);
    records.settled.add("r");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(seen.slice(2)).toEqual(["one settled", "two settled"]);
    expect(records.watch.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("an agent whose session is here - is looked at seldom, and once its Request must be settled", async () => {
    const records = new Records();
    records.heldHere = true;
    records.watch.watch({ agentId: "a", requestId: "long" }, far, () => undefined);
    records.watch.watch(
      { agentId: "a", requestId: "short" },
      performance.now() + 3_000,
      () => undefined,
    );
    await vi.advanceTimersByTimeAsync(4_300);
    expect(records.looks).toEqual(["short"]);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(records.looks.filter((id) => id === "long")).toHaveLength(1);
  });

  it("a thousand Requests - 50 looks a second, each in its turn", async () => {
    const records = new Records();
    const ids = Array.from({ length: 1_000 }, (_, i) => `r${i}`);
    const ends = ids.map((requestId) =>
      records.watch.watch({ agentId: "a", requestId }, far, () => undefined),
    );
    await vi.advanceTimersByTimeAsync(12_000);
    expect(records.looks.length).toBeLessThanOrEqual(505);
    expect(new Set(records.looks).size).toBe(records.looks.length);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(new Set(records.looks).size).toBe(1_000);
    for (const end of ends) end();
    expect(records.watch.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
