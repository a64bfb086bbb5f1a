/** Which Commands callers may send, by the ResourceState and the Command types' traits (DESIGN §6). */
import { traitsOf, type CommandTraits, type ResourceState } from "../api/index.ts";

type Rule = "all" | "noNewResources" | "evacuationAndChecks" | "checks" | "nothing";

const ruleOf: Readonly<Record<ResourceState, Rule>> = {
  Creating: "nothing",
  Enabled: "all",
  Disabled: "noNewResources",
  PrepareForMaintenance: "evacuationAndChecks",
  // Still being emptied: what failed may be sent again.
  ErrorInPrepareForMaintenance: "evacuationAndChecks",
  ErrorInMaintenance: "checks",
  Maintenance: "nothing",
  Unmanaged: "nothing",
  Error: "checks",
  Degraded: "checks",
};

const wayOut: Readonly<Partial<Record<ResourceState, string>>> = {
  Creating: "Wait until the agent has connected.",
  Disabled: "Enable the agent first.",
  PrepareForMaintenance: "Cancel its maintenance first.",
  ErrorInPrepareForMaintenance: "Cancel its maintenance first.",
  ErrorInMaintenance: "Cancel its maintenance first.",
  Maintenance: "Cancel its maintenance first.",
  Unmanaged: "Manage the agent first.",
  Degraded: "Enable the agent first.",
};

const allowed: Readonly<Record<Rule, string>> = {
  all: "everything",
  noNewResources: "only Commands that need no new resources",
  evacuationAndChecks: "only evacuation and checks",
  checks: "only checks",
  nothing: "nothing from callers",
};

/**
 * Why Commands of these types may not be sent to a resource in that state, with what to change; undefined when they may.
 * `declared` are the traits that the agent's own resources brought.
 */
export function admissionRefusal(
  state: ResourceState,
  types: readonly string[],
  declared: Readonly<Record<string, CommandTraits>> = {},
): string | undefined {
  const rule = ruleOf[state];
  const refused = types.find((type) => !permits(rule, traitsOf(type, declared)));
  if (refused === undefined) return undefined;
  const what = `${refused} may not be sent: the resource is ${state}, which admits ${allowed[rule]}.`;
  return `${what} ${wayOut[state] ?? "Repair the resource first."}`;
}

function permits(rule: Rule, traits: CommandTraits): boolean {
  switch (rule) {
    case "all":
      return true;
    case "noNewResources":
      return !traits.needsNewResources;
    case "evacuationAndChecks":
      return traits.evacuation || traits.check;
    case "checks":
      return traits.check;
    case "nothing":
      return false;
  }
}
