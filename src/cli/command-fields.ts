/** What `muster send` and `muster ask` are told of Commands: a type, and the other fields as JSON; or a list of them. */
import { readFileSync } from "node:fs";
import { hostCommandTraits } from "../api/index.ts";
import { UsageError } from "./errors.ts";

/** A Command for the operator API, which fills in its id when absent. */
export interface GivenCommand {
  readonly type: string;
  readonly [field: string]: unknown;
}

const example = '\'{"vm":"web-1"}\'';
const batchExample = '[{"type":"StopVm","vm":"web-1"}]';

/**
 * @param type the Command's type; `GetHostStatsCommand`, the name of its class, will do for `GetHostStats`.
 * @param json an object, `@file` with one in it, or `-` for stdin.
 * @throws UsageError.
 */
export function givenCommand(type: string, json: string | undefined): GivenCommand {
  const what = "the Command's fields";
  const fields = json === undefined ? {} : parse(textOf(json, what), what);
  if (!isObject(fields)) {
    throw new UsageError(`the Command's fields must be a JSON object, such as ${example}.`);
  }
  return { ...fields, type: typeName(type) };
}

/**
 * @param file with a JSON list of Commands, each with its `type`; `-` is stdin.
 * @throws UsageError.
 */
export function givenBatch(file: string): readonly GivenCommand[] {
  const what = "the batch";
  const list = parse(read(file, what), what);
  if (!Array.isArray(list) || list.length === 0) {
    throw new UsageError(`the batch must be a JSON list of Commands, such as '${batchExample}'.`);
  }
  return list.map((command: unknown, index) => {
    if (!isObject(command) || typeof command["type"] !== "string") {
      throw new UsageError(
        `Command ${index + 1} of the batch is not a JSON object with a "type", as in '${batchExample}'.`,
      );
    }
    return { ...command, type: typeName(command["type"]) };
  });
}

function typeName(type: string): string {
  const bare = type.replace(/Command$/, "");
  return Object.hasOwn(hostCommandTraits, bare) ? bare : type;
}

function textOf(json: string, what: string): string {
  if (json === "-") return read(json, what);
  return json.startsWith("@") ? read(json.slice(1), what) : json;
}

/** @param file its path; `-` is stdin. */
function read(file: string, what: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${what} can't be read from ${file}: ${why}`, { cause: error });
  }
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${what}: it is not JSON: ${why}`, { cause: error });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
