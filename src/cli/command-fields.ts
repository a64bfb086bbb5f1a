/** What `muster send` is told of a Command: its type, and its other fields as JSON. */
import { readFileSync } from "node:fs";
import { hostCommandTraits } from "../api/index.ts";
import { UsageError } from "./errors.ts";

/** A Command for the operator API, which fills in its id when absent. */
export interface GivenCommand {
  readonly type: string;
  readonly [field: string]: unknown;
}

/**
 * @param type the Command's type; `GetHostStatsCommand`, the name of its class, will do for `GetHostStats`.
 * @param json an object, `@file` with one in it, or `-` for stdin.
 * @throws UsageError.
 */
export function givenCommand(type: string, json: string | undefined): GivenCommand {
  const bare = type.replace(/Command$/, "");
  const fields = json === undefined ? {} : parseFields(read(json));
  return { ...fields, type: Object.hasOwn(hostCommandTraits, bare) ? bare : type };
}

function read(json: string): string {
  if (json !== "-" && !json.startsWith("@")) return json;
  try {
    return readFileSync(json === "-" ? 0 : json.slice(1), "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the Command's fields can't be read from ${json}: ${why}`, {
      cause: error,
    });
  }
}

function parseFields(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the Command's fields are not JSON: ${why}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(
      'the Command\'s fields must be a JSON object, such as \'{"vm":"web-1"}\'.',
    );
  }
  return value as Readonly<Record<string, unknown>>;
}
