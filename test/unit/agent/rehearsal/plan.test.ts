import { describe, expect, it } from "vitest";
import {
  drawnPlace,
  planRehearsal,
  type Step,
  type Wishes,
} from "../../../../src/agent/rehearsal/plan.ts";

const wishes: Wishes = { agents: 1_000, seed: 7, zones: 3, clustersPerZone: 4, lose: [] };

function hostsOf(steps: readonly Step[], type: Step["type"]): readonly number[] {
  return steps.filter((step) => step.type === type).flatMap(({ hosts }) => hosts);
}

describe("rehearsal plan", () => {
  it("rehearsal plan - the same seed gives the same outage, another seed another one", () => {
    const all: Wishes = {
      ...wishes,
      lose: [{ zone: "zone-2", atMs: 30_000, forMs: 60_000 }],
      kill: { share: 0.1, atMs: 10_000 },
      flap: { share: 0.05, atMs: 0, forMs: 120_000 },
    };
    expect(planRehearsal(all)).toEqual(planRehearsal(all));
    expect(planRehearsal(all)).not.toEqual(planRehearsal({ ...all, seed: 8 }));
  });

  it("rehearsal plan - hosts are spread over all zones and clusters", () => {
    const clusters = new Map<string, number>();
    for (let host = 0; host < wishes.agents; host++) {
      const { zone, cluster } = drawnPlace(wishes, host);
      expect(cluster.startsWith(`${zone}-cluster-`)).toBe(true);
      clusters.set(cluster, (clusters.get(cluster) ?? 0) + 1);
    }
    expect(clusters.size).toBe(12);
    expect(Math.min(...clusters.values())).toBeGreaterThan(40);
  });

  it("rehearsal plan - a lost zone is its hosts, all of them, and they are back after its time; zone-b is the second", () => {
    const steps = planRehearsal({
      ...wishes,
      lose: [{ zone: "zone-b", atMs: 30_000, forMs: 60_000 }],
    });
    const inZone = Array.from({ length: wishes.agents }, (_, host) => host).filter(
      (host) => drawnPlace(wishes, host).zone === "zone-2",
    );
    expect(steps).toEqual([
      { atMs: 30_000, type: "silence", hosts: inZone, zone: "zone-2" },
      { atMs: 90_000, type: "voice", hosts: inZone, zone: "zone-2" },
    ]);
  });

  it("rehearsal plan - exactly the share is killed, once", () => {
    const killed = hostsOf(planRehearsal({ ...wishes, kill: { share: 0.1, atMs: 5_000 } }), "kill");
    expect(new Set(killed).size).toBe(100);
    expect(killed).toHaveLength(100);
  });

  it("rehearsal plan - who flaps is dropped and raised in turn, and ends raised", () => {
    const steps = planRehearsal({ ...wishes, flap: { share: 0.02, atMs: 10_000, forMs: 60_000 } });
    const flapping = new Set(hostsOf(steps, "drop"));
    expect(flapping.size).toBe(20);
    for (const host of flapping) {
      const own = steps.filter(({ hosts }) => hosts.includes(host));
      expect(own.map(({ type }) => type)).toEqual(
        own.map((_, turn) => (turn % 2 === 0 ? "drop" : "raise")),
      );
      expect(own.at(-1)?.type).toBe("raise");
      expect(own[0]?.atMs).toBeGreaterThanOrEqual(10_000);
    }
    expect(steps.map(({ atMs }) => atMs)).toEqual(
      steps.map(({ atMs }) => atMs).sort((a, b) => a - b),
    );
  });
});
