/** `stack.json` in MUSTER_HOME: where the stack that runs now can be reached. The CLI reads it. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processIdentity } from "./process-identity.ts";

export interface StackFile {
  /** Operator API, such as http://127.0.0.1:8251. */
  readonly apiUrl: string;
  /** Where agents connect, such as ws://127.0.0.1:8250/agent. */
  readonly agentUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** Undefined when Temporal is not ours. */
  readonly temporalUiUrl?: string;
  /** Process of `muster up` and what tells it from a later one with the same number. */
  readonly pid: number;
  readonly identity: string;
  /** Name → pid. */
  readonly pids: Readonly<Record<string, number>>;
}

const fileOf = (home: string): string => join(home, "stack.json");

export function writeStackFile(home: string, stack: StackFile): void {
  const file = fileOf(home);
  writeFileSync(`${file}.new`, `${JSON.stringify(stack, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeStackFile(home: string): void {
  rmSync(fileOf(home), { force: true });
}

/** The stack on this home with the token of its operator API; undefined when none runs. */
export function readStack(home: string): (StackFile & { readonly apiToken: string }) | undefined {
  try {
    const stack = JSON.parse(readFileSync(fileOf(home), "utf8")) as StackFile;
    if (processIdentity(stack.pid) !== stack.identity) return undefined;
    const apiToken = readFileSync(join(home, "secrets", "api-token"), "utf8").trim();
    return { ...stack, apiToken };
  } catch {
    return undefined;
  }
}
