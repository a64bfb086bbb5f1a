import { expect, test } from "vitest";
import { resourceStateEvents, resourceStates } from "../../../src/api/index.ts";
import type { ResourceState, ResourceStateEvent } from "../../../src/api/index.ts";
import { acceptedEvents, nextResourceState } from "../../../src/lifecycle/index.ts";

const table: readonly (readonly [ResourceState, ResourceStateEvent, ResourceState | undefined])[] =
  [
    ["Creating", "InternalCreated", "Enabled"],
    ["Enabled", "AdminAskMaintenance", "PrepareForMaintenance"],
    ["Enabled", "Disable", "Disabled"],
    ["Enabled", "Enable", "Enabled"],
    ["Enabled", "Unmanage", "Unmanaged"],
    ["Enabled", "AdminCancelMaintenance", undefined],
    ["Disabled", "Enable", "Enabled"],
    ["Disabled", "AdminAskMaintenance", undefined],
    ["PrepareForMaintenance", "InternalEnterMaintenance", "Maintenance"],
    ["PrepareForMaintenance", "AdminCancelMaintenance", "Enabled"],
    ["PrepareForMaintenance", "UnableToMigrate", "ErrorInPrepareForMaintenance"],
    ["PrepareForMaintenance", "UnableToMaintain", "ErrorInMaintenance"],
    ["PrepareForMaintenance", "Unmanage", undefined],
    ["ErrorInPrepareForMaintenance", "ErrorsCorrected", "PrepareForMaintenance"],
    ["ErrorInMaintenance", "AdminAskMaintenance", "PrepareForMaintenance"],
    ["Maintenance", "AdminCancelMaintenance", "Enabled"],
    ["Maintenance", "AdminAskMaintenance", undefined],
    ["Maintenance", "Enable", undefined],
    ["Degraded", "EnableDegradedHost", "Enabled"],
    ["Degraded", "AdminAskMaintenance", "Maintenance"],
    ["Unmanaged", "Manage", "Enabled"],
    ["Unmanaged", "Enable", undefined],
    ["Error", "Enable", undefined],
  ];

test.each(table)("resource state %s × %s - %s", (from, event, to) => {
  expect(nextResourceState(from, event)).toBe(to);
});

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
