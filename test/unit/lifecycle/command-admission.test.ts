import { describe, expect, test } from "vitest";
import { hostCommandTraits, resourceStates } from "../../../src/api/index.ts";
import type { CommandTraits, ResourceState } from "../../../src/api/index.ts";
import { admissionRefusal } from "../../../src/lifecycle/index.ts";

/** Every type of `muster/api`, and one that nobody declared. */
const types = [...Object.keys(hostCommandTraits), "Unheard"];
const checks = ["CheckHealth", "GetHostStats", "ListVms", "CheckOnHost"];

const admitted: Readonly<Record<ResourceState, readonly string[]>> = {
  Creating: [],
  Enabled: types,
  Disabled: types.filter((type) => type !== "StartVm"),
  PrepareForMaintenance: [...checks, "StopVm", "MigrateVm"],
  ErrorInPrepareForMaintenance: [...checks, "StopVm", "MigrateVm"],
  ErrorInMaintenance: checks,
  Maintenance: [],
  Unmanaged: [],
  Error: checks,
  Degraded: checks,
};

/** What the seed and DESIGN §6 say of each state. */
const ruleOf = {
  Creating: "nothing",
  Enabled: "all",
  Disabled: "noNewResources",
  PrepareForMaintenance: "evacuationAndChecks",
  ErrorInPrepareForMaintenance: "evacuationAndChecks",
  ErrorInMaintenance: "checks",
  Maintenance: "nothing",
  Unmanaged: "nothing",
  Error: "checks",
  Degraded: "checks",
} as const satisfies Record<ResourceState, string>;

const lenient: CommandTraits = {
  inSequence: false,
  idempotent: true,
  readOnly: true,
  needsNewResources: false,
  evacuation: true,
  check: true,
  waitSeconds: 1,
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

  test.each(resourceStates)("%s - goes by the traits alone, in every combination", (state) => {
    for (let bits = 0; bits < 8; bits++) {
      const [needsNewResources, evacuation, check] = [1, 2, 4].map((bit) => (bits & bit) !== 0);
      const traits = { ...lenient, needsNewResources, evacuation, check } as CommandTraits;
      const passes = admissionRefusal(state, ["Blink"], { Blink: traits }) === undefined;
      const expected = {
        all: true,
        noNewResources: needsNewResources === false,
        evacuationAndChecks: evacuation === true || check === true,
        checks: check === true,
        nothing: false,
      }[ruleOf[state]];
      expect(passes, JSON.stringify(traits)).toBe(expected);
    }
  });

  test("a batch - one refused Command refuses all", () => {
    expect(admissionRefusal("Disabled", ["ListVms", "StartVm"])).toContain("StartVm");
  });

  test("declared traits - count for types that muster/api does not know, and never for its own", () => {
    expect(admissionRefusal("Degraded", ["Blink"], { Blink: lenient })).toBeUndefined();
    expect(admissionRefusal("Degraded", ["StartVm"], { StartVm: lenient })).toBeDefined();
  });
});
