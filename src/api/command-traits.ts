import type { CommandTraits } from "./command.ts";
import type { HostCommand } from "./host-commands.ts";

const check: CommandTraits = {
  inSequence: false,
  idempotent: true,
  readOnly: true,
  needsNewResources: false,
  evacuation: false,
  check: true,
  waitSeconds: 30,
};
const change: CommandTraits = {
  inSequence: true,
  idempotent: false,
  readOnly: false,
  needsNewResources: false,
  evacuation: false,
  check: false,
  waitSeconds: 300,
};

/** Traits of a Command type that nobody declared: the careful choice in every column. */
export const undeclaredTraits: CommandTraits = change;

/** Traits of the Commands of `muster/api` (DESIGN §6). */
export const hostCommandTraits: Readonly<Record<HostCommand["type"], CommandTraits>> = {
  CheckHealth: { ...check, waitSeconds: 10 },
  GetHostStats: check,
  ListVms: check,
  CheckOnHost: { ...check, waitSeconds: 20 },
  StartVm: { ...change, needsNewResources: true },
  StopVm: { ...change, evacuation: true },
  RebootVm: change,
  MigrateVm: { ...change, evacuation: true, waitSeconds: 1800 },
};

/**
 * Traits of a Command type: those of `muster/api`, else what the agent's resources declared at
 * connect, else the careful defaults.
 */
export function traitsOf(
  type: string,
  declared: Readonly<Record<string, CommandTraits>> = {},
): CommandTraits {
  if (Object.hasOwn(hostCommandTraits, type)) {
    return hostCommandTraits[type as HostCommand["type"]];
  }
  return (Object.hasOwn(declared, type) ? declared[type] : undefined) ?? undeclaredTraits;
}

/**
 * Fields of a Command type that hold secrets. What an agent declares counts for the types of `muster/api` as well: its
 * resource may take more than those say.
 */
export function secretFieldsOf(
  type: string,
  declared: Readonly<Record<string, Pick<CommandTraits, "secretFields">>> = {},
): readonly string[] {
  return (Object.hasOwn(declared, type) ? declared[type]?.secretFields : undefined) ?? [];
}
