/** By what a durable Request and its Commands are known again. */
import { createHash } from "node:crypto";
import type { WireCommand } from "../api/index.ts";

/** A durable Request as it is remembered. */
export interface RequestKey {
  readonly seq: number;
  /** Ids of its Commands in order. The first one and `seq` name the Request. */
  readonly ids: readonly string[];
  /** What each Command says, in short. Absent where it is not known. */
  readonly digests?: readonly string[];
}

/** What names a Request among all others. */
export function keyOf({ seq, ids }: RequestKey): string {
  return `${seq} ${ids[0] ?? ""}`;
}

/** A Command's contents in short: other contents, another digest. The order of fields does not count. */
export function digestOf(command: WireCommand): string {
  const hash = createHash("sha256").update(JSON.stringify(command, sorted));
  return hash.digest("base64url").slice(0, 16);
}

/** Whether two Requests that both hold this Command may mean the same by it. */
export function saySame(one: RequestKey, other: RequestKey, commandId: string): boolean {
  const [a, b] = [one, other].map(({ ids, digests }) => digests?.[ids.indexOf(commandId)]);
  return a === undefined || b === undefined || a === b;
}

/** The first id that a Request gives to two Commands. */
export function repeatedId(ids: readonly string[]): string | undefined {
  return ids.find((id, index) => ids.indexOf(id) !== index);
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
