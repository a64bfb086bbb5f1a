import { describe, expect, it } from "vitest";
import { hostId, hostNumber, hostsOf, processesFor } from "../../../src/agent/fleet/slices.ts";
import { FleetTally, SliceTally } from "../../../src/agent/rehearsal/tally.ts";

describe("slices of a simulated fleet", () => {
  it("any number of processes - each host is in one slice", () => {
    for (const [agents, of] of [
      [1, 1],
      [10, 3],
      [7, 7],
      [1_000, 4],
    ] as const) {
      const slices = Array.from({ length: of }, (_, index) => hostsOf({ index, of }, agents));
      expect(slices.flat().sort((a, b) => a - b)).toEqual(
        Array.from({ length: agents }, (_, host) => host),
      );
      const sizes = slices.map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  it("number of processes - as few as may open a socket and a journal for each host, or as asked", () => {
    expect(processesFor(460, undefined, 1_024)).toBe(1);
    expect(processesFor(463, undefined, 1_024)).toBe(2);
    expect(processesFor(10_000, undefined, 1_024)).toBe(22);
    expect(processesFor(100_000)).toBe(1);
    expect(processesFor(10_000, 4, 1_024)).toBe(4);
    expect(processesFor(3, 4)).toBe(3);
    // However few files there are, it is tried.
    expect(processesFor(3, undefined, 16)).toBe(3);
  });

  it("names - lead to their host and to no other", () => {
    expect(hostId("sim", 0)).toBe("sim-0001");
    for (const host of [0, 41, 9_998, 9_999, 12_344]) {
      expect(hostNumber("my.fleet", 12_345, hostId("my.fleet", host))).toBe(host);
    }
    for (const id of [
      "sim-0000",
      "sim-0011",
      "sim-1",
      "sim-00001",
      "sim-",
      "sim-1e0",
      "sam-0001",
    ]) {
      expect(hostNumber("sim", 10, id)).toBeUndefined();
    }
  });
});

describe("tally of a fleet", () => {
  it("several processes - are one count; of each what it told last, each time once", () => {
    const slices = [new SliceTally(), new SliceTally()] as const;
    const fleet = new FleetTally(4);
    slices[0].onOpen("a", 10);
    slices[0].onOpen("b", 20);
    slices[1].onOpen("c", 30);
    slices[1].onEnd("d", { wasOpen: false, outcome: { type: "failed" } });
    for (const [number, slice] of slices.entries()) fleet.add(number, slice.takeNews());
    expect(fleet.count()).toEqual({
      ...{ agents: 4, connected: 3, opened: 3, lost: 0, refused: 0, failed: 1, commands: 0 },
      connecting: { p50Ms: 20, p99Ms: 30 },
    });
    slices[0].onEnd("a", { wasOpen: true, outcome: { type: "lost", openForMs: 1 } });
    slices[0].onCommand(5);
    expect(slices[0].takeNews()).toMatchObject({ connectingMs: [], executingMs: [5] });
    slices[0].onCommand(7);
    fleet.add(0, slices[0].takeNews());
    expect(fleet.count()).toMatchObject({
      ...{ connected: 2, opened: 3, lost: 1, failed: 1, commands: 2 },
      connecting: { p50Ms: 20, p99Ms: 30 },
      executing: { p50Ms: 7, p99Ms: 7 },
    });
  });
});
