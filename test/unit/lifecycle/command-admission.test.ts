import { describe, expect, test } from "vitest";
import { resourceStates } from "../../../src/api/index.ts";
import type { CommandTraits, ResourceState } from "../../../src/api/index.ts";
import { admissionRefusal } from "../../../src/lifecycle/index.ts";

const types = ["CheckHealth", "ListVms", "StartVm", "StopVm", "RebootVm", "MigrateVm", "Unheard"];

const admitted: Readonly<Record<ResourceState, readonly string[]>> = {
  Creating: [],
  Enabled: types,
  Disabled: types.filter((type) => type !== "StartVm"),
  PrepareForMaintenance: ["CheckHealth", "ListVms", "StopVm", "MigrateVm"],
  ErrorInPrepareForMaintenance: ["CheckHealth", "ListVms", "StopVm", "MigrateVm"],
  ErrorInMaintenance: ["CheckHealth", "ListVms"],
  Maintenance: [],
  Unmanaged: [],
  Error: ["CheckHealth", "ListVms"],
  Degraded: ["CheckHealth", "ListVms"],
};

describe("command admission", () => {
  test.each(resourceStates)("%s - admits what DESIGN §6 says", (state) => {
    const passed = types.filter((type) => admissionRefusal(state, [type]) === undefined);
    expect(passed).toEqual(admitted[state]);
  });

  test.each(resourceStates.filter((state) => state !== "Enabled"))(
    "%s - a refusal names the Command, the state and the way out",
    (state) => {
      const refusal = admissionRefusal(state, ["CheckHealth", "StartVm"]);
      expect(refusal).toContain(state);
      expect(refusal).toMatch(/^(CheckHealth|StartVm) /);
      expect(refusal).toMatch(/(first|connected)\.$/);
    },
  );

  test("a batch - one refused Command refuses all", () => {
    expect(admissionRefusal("Disabled", ["ListVms", "StartVm"])).toContain("StartVm");
  });

  test("declared traits - count for types that muster/api does not know, and never for its own", () => {
    const lenient: CommandTraits = {
      inSequence: false,
      idempotent: true,
      readOnly: true,
      needsNewResources: false,
      evacuation: true,
      check: true,
      waitSeconds: 1,
    };
    expect(admissionRefusal("Degraded", ["Blink"], { Blink: lenient })).toBeUndefined();
    expect(admissionRefusal("Degraded", ["StartVm"], { StartVm: lenient })).toBeDefined();
  });
});
