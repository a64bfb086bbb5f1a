import { describe, expect, it } from "vitest";
import { isInDoubt, whyFence, type PeerWord } from "../../../src/lifecycle/fencing.ts";

const sure: PeerWord = { type: "sure", forMs: 60_000 };
const justBack: PeerWord = { type: "sure", forMs: 3_000 };
const [unsure, dead, silent] = (["unsure", "dead", "silent"] as const).map((type) => ({ type }));
const well = { leaseAgoMs: 1_900, databaseAgoMs: 2_100 };
const noLease = { leaseAgoMs: 5_001, databaseAgoMs: 10 };
const noDatabase = { leaseAgoMs: 10, databaseAgoMs: 5_001 };
const neither = { leaseAgoMs: 6_000, databaseAgoMs: 6_000 };

describe("fencing - doubt", () => {
  it("begins when the lease or PostgreSQL was not heard of for five seconds", () => {
    expect(isInDoubt(well)).toBe(false);
    expect(isInDoubt({ leaseAgoMs: 5_000, databaseAgoMs: 5_000 })).toBe(false);
    expect([noLease, noDatabase, neither].map(isInDoubt)).toEqual([true, true, true]);
  });

  it("a run that never had its lease is not in doubt for it", () => {
    expect(isInDoubt({ leaseAgoMs: undefined, databaseAgoMs: 0 })).toBe(false);
  });
});

describe("fencing - sending agents away", () => {
  it.each([
    ["no lease", noLease],
    ["no PostgreSQL", noDatabase],
    ["neither", neither],
  ])("%s, and another gateway does well - fences after two seconds", (_, standing) => {
    expect(whyFence(standing, 1_999, [sure])).toBeUndefined();
    expect(whyFence(standing, 2_000, [unsure ?? sure, sure])).toContain("other gateways do well");
  });

  it("a gateway that is well - keeps its agents whatever others say", () => {
    expect(whyFence(well, 60_000, [sure])).toBeUndefined();
  });

  it("the only gateway - keeps its agents: they could go nowhere", () => {
    expect(whyFence(neither, 600_000, [])).toBeUndefined();
    expect(whyFence(neither, 600_000, [{ type: "dead" }])).toBeUndefined();
  });

  it("an outage for all - keeps its agents, also while the others come back one by one", () => {
    expect(whyFence(noLease, 600_000, [{ type: "unsure" }, justBack])).toBeUndefined();
    expect(whyFence(noDatabase, 600_000, [{ type: "unsure" }, { type: "silent" }])).toBeUndefined();
  });

  it("cut off from the other gateways, too - fences after ten seconds", () => {
    const peers = [silent ?? sure, dead ?? sure];
    expect(whyFence(neither, 9_999, peers)).toBeUndefined();
    expect(whyFence(neither, 10_000, peers)).toContain("nor any other gateway");
  });
});
