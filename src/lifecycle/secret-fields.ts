/**
 * Fields of Commands that hold secrets (`CommandTraits.secretFields`): where they are, and what stands in their place. The
 * encryption itself is not here: the lifecycle never sees inside.
 */
import { secretFieldsOf, type CommandTraits } from "../api/index.ts";

/** A Command, whether it has its id yet or not. */
interface SomeCommand {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A secret on its way through the manager: id of the key, colon, what was encrypted in base64. */
export interface SealedValue {
  readonly $sealed: string;
}

/** What people and listeners see in the place of a secret. */
const mask = "***";

export function isSealed(value: unknown): value is SealedValue {
  return (
    typeof value === "object" &&
    value !== null &&
    "$sealed" in value &&
    typeof value.$sealed === "string" &&
    Object.keys(value).length === 1
  );
}

/** A copy of the Command with its secret fields replaced; the Command itself when it has none of them. */
export function replaceSecretFields<C extends SomeCommand>(
  command: C,
  fields: readonly string[],
  replace: (value: unknown, path: string) => unknown,
): C {
  let replaced: unknown = command;
  for (const field of fields) replaced = replaceAt(replaced, field.split("."), [], replace);
  return replaced as C;
}

/** A copy of the Command with every sealed value in it replaced; the Command itself when it holds none. */
export function replaceSealed<C extends SomeCommand>(
  command: C,
  replace: (sealed: SealedValue, path: string) => unknown,
): C {
  return replaceWithin(command, [], replace) as C;
}

/** The Command as others than its resource may see it. */
export function maskSecrets<C extends SomeCommand>(command: C, fields: readonly string[]): C {
  return replaceSealed(
    replaceSecretFields(command, fields, () => mask),
    () => mask,
  );
}

/** Secret fields of a Command that are not sealed. */
export function fieldsInClear(command: SomeCommand, fields: readonly string[]): readonly string[] {
  const inClear: string[] = [];
  replaceSecretFields(command, fields, (value, path) => {
    if (!isSealed(value)) inClear.push(path);
    return value;
  });
  return inClear;
}

/** Ids of the keys that anything in these Commands is sealed with. */
export function sealingKeys(commands: readonly SomeCommand[]): readonly string[] {
  const ids = new Set<string>();
  for (const command of commands) {
    replaceSealed(command, (sealed) => {
      ids.add(sealed.$sealed.slice(0, Math.max(0, sealed.$sealed.indexOf(":"))));
      return sealed;
    });
  }
  return [...ids];
}

/** Why these Commands can't be sent again and again, with what to do instead; undefined when they can. */
export function recurringSecret(
  commands: readonly SomeCommand[],
  declared: Readonly<Record<string, CommandTraits>> | undefined,
): string | undefined {
  for (const command of commands) {
    const found: string[] = [];
    const note = (value: unknown, path: string): unknown => {
      found.push(path);
      return value;
    };
    replaceSecretFields(command, secretFieldsOf(command.type, declared), note);
    replaceSealed(command, note);
    if (found[0] === undefined) continue;
    return (
      `Field ${found[0]} of ${command.type} holds a secret: sent again and again it would be kept for ever, and is good for one ` +
      "Command alone. Have the agent keep the secret, and name it in the Command."
    );
  }
  return undefined;
}

/** A field of an array is that field of each of its elements. Nothing, or null, is no secret. */
function replaceAt(
  value: unknown,
  names: readonly string[],
  path: readonly string[],
  replace: (value: unknown, path: string) => unknown,
): unknown {
  if (value === undefined || value === null) return value;
  const [name, ...rest] = names;
  if (name === undefined) return replace(value, path.join("."));
  if (Array.isArray(value)) {
    return replaceElements(value, (element, i) => replaceAt(element, names, [...path, i], replace));
  }
  if (typeof value !== "object" || !Object.hasOwn(value, name)) return value;
  const before = (value as Readonly<Record<string, unknown>>)[name];
  const after = replaceAt(before, rest, [...path, name], replace);
  return after === before ? value : { ...value, [name]: after };
}

function replaceWithin(
  value: unknown,
  path: readonly string[],
  replace: (sealed: SealedValue, path: string) => unknown,
): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isSealed(value)) return replace(value, path.join("."));
  if (Array.isArray(value)) {
    return replaceElements(value, (element, i) => replaceWithin(element, [...path, i], replace));
  }
  let copy: Record<string, unknown> | undefined;
  for (const [name, before] of Object.entries(value)) {
    const after = replaceWithin(before, [...path, name], replace);
    if (after !== before) (copy ??= { ...value })[name] = after;
  }
  return copy ?? value;
}

/** The array itself when no element changes. */
function replaceElements(
  elements: readonly unknown[],
  replace: (element: unknown, index: string) => unknown,
): readonly unknown[] {
  const replaced = elements.map((element, i) => replace(element, String(i)));
  return replaced.some((element, i) => element !== elements[i]) ? replaced : elements;
}
