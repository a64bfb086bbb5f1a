/** Single variables of the environment. Empty ones are not set. */
import { isIP } from "node:net";
import { ConfigError } from "./errors.ts";

export type Env = Readonly<Record<string, string | undefined>>;
export type Reader = ReturnType<typeof reader>;

/** Reads single variables; a value that is none stops the process. */
export function reader(env: Env) {
  const text = (name: string): string | undefined => {
    const value = env[name]?.trim();
    return value === undefined || value === "" ? undefined : value;
  };
  const number = (
    name: string,
    fallback: number,
    min: number,
    max: number,
    pattern: RegExp,
  ): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = Number(value);
    if (!pattern.test(value) || parsed < min || parsed > max) {
      throw new ConfigError(name, `"${value}" is not a number from ${min} to ${max}.`);
    }
    return parsed;
  };
  const integer = (name: string, fallback: number, min: number, max: number): number =>
    number(name, fallback, min, max, /^\d+$/);
  const url = (name: string, protocols: readonly string[]): string | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    checkUrl(name, value, protocols);
    return value;
  };
  return {
    text,
    integer,
    url,
    port: (name: string, fallback: number) => integer(name, fallback, 0, 65_535),
    decimal: (name: string, fallback: number, min: number, max: number) =>
      number(name, fallback, min, max, /^\d+(\.\d+)?$/),
    list: (name: string, protocols: readonly string[]): readonly string[] => {
      const values = (text(name) ?? "").split(",").flatMap((part) => part.trim() || []);
      for (const value of values) checkUrl(name, value, protocols);
      return values;
    },
    /** Words separated by commas. */
    words: (name: string): readonly string[] =>
      (text(name) ?? "").split(",").flatMap((part) => part.trim() || []),
    oneOf: <T extends string>(name: string, allowed: readonly T[], fallback: T): T => {
      const value = text(name) ?? fallback;
      const found = allowed.find((one) => one === value);
      if (found === undefined) {
        throw new ConfigError(name, `"${value}" is not one of ${allowed.join(", ")}.`);
      }
      return found;
    },
    id: (name: string, fallback: string): string => {
      const value = text(name) ?? fallback;
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(value)) {
        throw new ConfigError(
          name,
          `"${value}" may hold letters, digits, dot, dash and underscore, 128 at most.`,
        );
      }
      return value;
    },
    /** A host's name or address without scheme, port and brackets, or the word `also`. */
    host: (name: string, also?: string) => checkedHost(name, text(name), also),
    secret: (name: string): string | undefined => {
      const value = text(name);
      if (value !== undefined && value.length < 16) {
        throw new ConfigError(name, "is too short for a secret: give at least 16 characters.");
      }
      return value;
    },
  };
}

function checkedHost(name: string, value: string | undefined, also?: string): string | undefined {
  if (value === undefined || value === also || isHost(value)) return value;
  throw new ConfigError(
    name,
    `"${value}" is no host: give a name or an address alone, such as gw-1.example or 10.0.0.5, without scheme and port.`,
  );
}

function isHost(value: string): boolean {
  return (
    isIP(value) !== 0 ||
    (value.length <= 253 && /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9.])?$/.test(value))
  );
}

function checkUrl(name: string, value: string, protocols: readonly string[]): void {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  if (parsed === undefined || !protocols.includes(parsed.protocol)) {
    throw new ConfigError(name, `is not a URL that begins with ${protocols.join(" or ")}//.`);
  }
}
