/**
 * Shapes of what arrives from outside: anybody may send a signal from the Temporal UI, in any shape. A check gives the
 * first thing that is wrong, in words; undefined when nothing is.
 */
export type Check = (value: unknown, path: string) => string | undefined;

export const text =
  (min = 0, max = 10_000): Check =>
  (value, path) =>
    typeof value === "string" && value.length >= min && value.length <= max
      ? undefined
      : `${path} must be a string of ${min} to ${max} characters`;

export const number =
  (min: number, max: number): Check =>
  (value, path) =>
    typeof value === "number" && value >= min && value <= max
      ? undefined
      : `${path} must be a number from ${min} to ${max}`;

export const whole =
  (min = 0): Check =>
  (value, path) =>
    Number.isSafeInteger(value) && (value as number) >= min
      ? undefined
      : `${path} must be a whole number, ${min} or more`;

export const flag: Check = (value, path) =>
  typeof value === "boolean" ? undefined : `${path} must be true or false`;

export const oneOf =
  (allowed: readonly string[]): Check =>
  (value, path) =>
    typeof value === "string" && allowed.includes(value)
      ? undefined
      : `${path} must be one of ${allowed.join(", ")}`;

export const optional =
  (check: Check): Check =>
  (value, path) =>
    value === undefined || value === null ? undefined : check(value, path);

export const listOf =
  (check: Check, min: number, max: number): Check =>
  (value, path) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return `${path} must be a list of ${min} to ${max}`;
    }
    for (const [index, item] of value.entries()) {
      const wrong = check(item, `${path}[${index}]`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };

/** An object with these fields; others are left alone. */
export const object =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    if (!isObject(value)) return `${path} must be an object`;
    for (const [name, check] of Object.entries(fields)) {
      const wrong = check(value[name], `${path}.${name}`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };

/** An object whose `type` is one of the given ones, each with its own fields. */
export const tagged =
  (kinds: Readonly<Record<string, Readonly<Record<string, Check>>>>): Check =>
  (value, path) => {
    if (!isObject(value)) return `${path} must be an object`;
    const type = value["type"];
    if (typeof type !== "string" || !Object.hasOwn(kinds, type)) {
      return `${path}.type must be one of ${Object.keys(kinds).join(", ")}`;
    }
    return object(kinds[type] ?? {})(value, path);
  };

/** Without the fields that are null, of those names: callers in other languages write null for what is absent. */
export function withoutNulls<T extends object>(
  value: T,
  names: readonly string[] = Object.keys(value),
): T {
  const entries = Object.entries(value).filter(
    ([name, field]) => field !== null || !names.includes(name),
  );
  return Object.fromEntries(entries) as T;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
