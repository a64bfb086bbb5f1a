import { describe, expect, it } from "vitest";
import {
  resourceStates,
  statuses,
  type ResourceState,
  type Status,
} from "../../../src/api/index.ts";
import { decideRefusal } from "../../../src/lifecycle/refusal.ts";

const refusal = { code: "CLUSTER_UNKNOWN", details: "Declare c1.", retryable: false };
const details = "refused (CLUSTER_UNKNOWN): Declare c1.";

function decide(status: Status, more: Partial<Parameters<typeof decideRefusal>[0]> = {}) {
  return decideRefusal({ status, resourceState: "Enabled", refusal, ...more });
}

describe("a refused handshake of a proven agent", () => {
  const byStatus: Record<Status, "setUpWrong" | "noted" | "ignored"> = {
    Disconnected: "setUpWrong",
    Alert: "setUpWrong",
    Up: "noted",
    Connecting: "noted",
    Rebalancing: "noted",
    Down: "noted",
    Creating: "noted",
    Error: "noted",
    Unknown: "noted",
    Removed: "ignored",
  };
  it.each(statuses)("refusal - while %s", (status) => {
    expect(decide(status).type).toBe(byStatus[status]);
  });

  it("refusal - its reason says what to change", () => {
    expect(decide("Disconnected")).toEqual({ type: "setUpWrong", details });
  });

  it("refusal - one that passes by itself is an event and no more", () => {
    const veto = { code: "VETOED", details: "Too busy.", retryable: true };
    expect(decide("Disconnected", { refusal: veto })).toMatchObject({ type: "noted" });
  });

  const quiet: readonly ResourceState[] = [
    "Disabled",
    "PrepareForMaintenance",
    "Maintenance",
    "Unmanaged",
  ];
  it.each(resourceStates)(
    "refusal - raises no alert about a resource out of service: %s",
    (state) => {
      const type = quiet.includes(state) ? "noted" : "setUpWrong";
      expect(decide("Disconnected", { resourceState: state }).type).toBe(type);
    },
  );

  it("refusal - the same one again says nothing new, another one does", () => {
    expect(decide("Alert", { standing: details })).toMatchObject({ type: "ignored" });
    expect(decide("Alert", { standing: "refused (ZONE_UNKNOWN): Declare z1." })).toMatchObject({
      type: "setUpWrong",
    });
  });
});
