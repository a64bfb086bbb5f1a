import { describe, expect, it } from "vitest";
import {
  directLease,
  pickClaims,
  restartDelayMs,
  watchLeases,
  type ClaimFacts,
  type FreeAgent,
} from "../../../src/lifecycle/direct-claims.ts";

const { actsForMs, goneAfterMs, renewEveryMs } = directLease;

describe("the lease on direct agents", () => {
  it("stands still - is gone after its time, not a moment before, and counted from when it was seen", () => {
    const first = watchLeases([], [{ id: "a", renewals: 7 }], 1_000);
    const look = (nowMs: number) => watchLeases(first.seen, [{ id: "a", renewals: 7 }], nowMs);
    expect(look(1_000 + goneAfterMs - 1).gone).toEqual([]);
    expect(look(1_000 + goneAfterMs).gone).toEqual([{ id: "a", renewals: 7, sinceMs: 1_000 }]);
  });

  it("is renewed - counts anew, also for one who looks late", () => {
    const { seen } = watchLeases([], [{ id: "a", renewals: 7 }], 0);
    const later = watchLeases(seen, [{ id: "a", renewals: 8 }], 60_000);
    expect(later).toEqual({ seen: [{ id: "a", renewals: 8, sinceMs: 60_000 }], gone: [] });
  });

  it("leaves its agents time to end before others take them, and bears two renewals that fail", () => {
    expect(goneAfterMs - actsForMs).toBeGreaterThanOrEqual(2_000);
    expect(actsForMs).toBeGreaterThan(3 * renewEveryMs);
  });
});

const free = (id: string, more: Partial<FreeAgent> = {}): FreeAgent => ({
  ...{ id, resource: "kvm", wantedBy: null, sinceMs: 0 },
  ...more,
});
const facts = (more: Partial<ClaimFacts>): ClaimFacts => ({
  ...{ gatewayId: "g1", owned: new Map([["g1", 0]]), free: [], resources: ["kvm"] },
  ...{ agentsMax: 50, nowMs: 100 },
  ...more,
});
const picked = (more: Partial<ClaimFacts>) => pickClaims(facts(more)).map(({ id }) => id);

describe("the agents that a gateway claims", () => {
  it("are its share of those that are free, beside what others own", () => {
    const four = ["a", "b", "c", "d"].map((id) => free(id));
    const owned = new Map([
      ["g1", 0],
      ["g2", 0],
    ]);
    expect(picked({ free: four, owned })).toEqual(["a", "b"]);
    expect(picked({ free: four, owned: new Map([...owned, ["g1", 5]]) })).toEqual([]);
  });

  it("are all of them in the end, when those who should take them do not", () => {
    const owned = new Map([
      ["g1", 5],
      ["g2", 0],
    ]);
    expect(picked({ free: [free("a")], owned })).toEqual([]);
    expect(picked({ free: [free("a")], owned, nowMs: 5_000 })).toEqual(["a"]);
  });

  it("are first those that are moved to it, and for a while none that is moved to another", () => {
    const owned = new Map([
      ["g1", 9],
      ["g2", 0],
    ]);
    const moved = [free("to-2", { wantedBy: "g2" }), free("to-1", { wantedBy: "g1" })];
    expect(picked({ free: moved, owned })).toEqual(["to-1"]);
    expect(picked({ free: moved, owned, nowMs: 5_000 })).toEqual(["to-1", "to-2"]);
    // Nobody of that name is there.
    expect(picked({ free: [free("a", { wantedBy: "g9" })] })).toEqual(["a"]);
  });

  it("are of kinds that it runs, no more than it may, a few at a time", () => {
    expect(picked({ free: [free("a", { resource: "./mine" })] })).toEqual([]);
    const many = Array.from({ length: 20 }, (_, i) => free(`a${i}`));
    expect(picked({ free: many })).toHaveLength(5);
    expect(picked({ free: many, agentsMax: 2 })).toHaveLength(2);
  });
});

describe("an agent whose process ended", () => {
  it("rests longer each time, and never for ever", () => {
    expect([1, 2, 3, 20].map((failures) => restartDelayMs(failures, 1))).toEqual([
      500, 1_000, 2_000, 60_000,
    ]);
    expect(restartDelayMs(1, 0)).toBe(250);
  });
});
