import { expect, test } from "vitest";
import { resourceStateEvents, resourceStates } from "../../../src/api/index.ts";
import type { ResourceState, ResourceStateEvent } from "../../../src/api/index.ts";
import { acceptedEvents, nextResourceState } from "../../../src/lifecycle/index.ts";

/** Every cell that is not blank: CloudStack's (reference §1.7), and Unmanage and Manage. */
const cells: Readonly<Record<ResourceState, Partial<Record<ResourceStateEvent, ResourceState>>>> = {
  Creating: { InternalCreated: "Enabled", Error: "Error" },
  Enabled: {
    Enable: "Enabled",
    InternalCreated: "Enabled",
    Disable: "Disabled",
    AdminAskMaintenance: "PrepareForMaintenance",
    InternalEnterMaintenance: "Maintenance",
    DeclareHostDegraded: "Degraded",
    Unmanage: "Unmanaged",
  },
  Disabled: {
    Enable: "Enabled",
    Disable: "Disabled",
    InternalCreated: "Disabled",
    DeleteHost: "Disabled",
    DeclareHostDegraded: "Degraded",
    Unmanage: "Unmanaged",
  },
  PrepareForMaintenance: {
    InternalEnterMaintenance: "Maintenance",
    AdminCancelMaintenance: "Enabled",
    UnableToMigrate: "ErrorInPrepareForMaintenance",
    UnableToMaintain: "ErrorInMaintenance",
    InternalCreated: "PrepareForMaintenance",
  },
  ErrorInPrepareForMaintenance: {
    InternalEnterMaintenance: "Maintenance",
    AdminCancelMaintenance: "Enabled",
    UnableToMigrate: "ErrorInPrepareForMaintenance",
    InternalCreated: "ErrorInPrepareForMaintenance",
    UnableToMaintain: "ErrorInMaintenance",
    ErrorsCorrected: "PrepareForMaintenance",
    Disable: "Disabled",
    DeleteHost: "Disabled",
  },
  ErrorInMaintenance: {
    AdminAskMaintenance: "PrepareForMaintenance",
    AdminCancelMaintenance: "Enabled",
    InternalCreated: "ErrorInMaintenance",
    Disable: "Disabled",
    DeleteHost: "Disabled",
  },
  Maintenance: {
    AdminCancelMaintenance: "Enabled",
    InternalCreated: "Maintenance",
    DeleteHost: "Disabled",
    DeclareHostDegraded: "Degraded",
    Unmanage: "Unmanaged",
  },
  Degraded: {
    EnableDegradedHost: "Enabled",
    AdminAskMaintenance: "Maintenance",
    DeleteHost: "Disabled",
    Unmanage: "Unmanaged",
  },
  Unmanaged: { Manage: "Enabled", InternalCreated: "Unmanaged" },
  Error: { InternalCreated: "Error" },
};

const everyCell = resourceStates.flatMap((state) =>
  resourceStateEvents.map((event) => [state, event, cells[state][event]] as const),
);

test.each(everyCell)("resource state %s × %s - %s", (from, event, to) => {
  expect(nextResourceState(from, event)).toBe(to);
});

test.each(["Enabled", "Disabled", "Maintenance", "Degraded"] as const)(
  "resource state Unmanaged × Manage - goes back to %s where it came from, and lifts nothing",
  (from) => {
    expect(nextResourceState(from, "Unmanage")).toBe("Unmanaged");
    expect(nextResourceState("Unmanaged", "Manage", from)).toBe(from);
    expect(nextResourceState("Unmanaged", "InternalCreated", from)).toBe("Unmanaged");
  },
);

test("resource state table - what it accepts leads to a state that exists", () => {
  for (const state of resourceStates) {
    for (const event of acceptedEvents(state)) {
      expect(resourceStateEvents).toContain(event);
      expect(resourceStates).toContain(nextResourceState(state, event));
    }
  }
});

test("resource state table - from everywhere but Error an administrator gets back to Enabled", () => {
  const reachesEnabled = (start: ResourceState): boolean => {
    const seen = new Set<ResourceState>([start]);
    for (const state of seen) {
      for (const event of acceptedEvents(state)) {
        const to = nextResourceState(state, event);
        if (to !== undefined) seen.add(to);
      }
    }
    return seen.has("Enabled");
  };
  expect(resourceStates.filter((state) => !reachesEnabled(state))).toEqual(["Error"]);
});
