/** The lines of a journal file. Append only: an agent of an earlier version leaves kinds of lines out that it does not know. */
import { Type, type Static, type TObject } from "typebox";
import { Compile } from "typebox/compile";
import type { RequestKey } from "./request-key.ts";

const id = Type.String();
const seq = Type.Integer();
const ids = Type.Array(id, { minItems: 1 });
/** What the Commands say, in short (request-key.ts). Lines of earlier versions have none. */
const digests = Type.Optional(Type.Array(Type.String()));
/** In lines about a Command: `key` is the first id of its Request, `seq` its number. Earlier versions left `seq` out. */
const ofCommand = { key: id, id, seq: Type.Optional(seq) };

/** A Request was taken up; `ids` of its Commands in order. */
const request = Type.Object({ t: Type.Literal("request"), seq, ids, digests });
/** On disk before the Command is executed. */
const started = Type.Object({ t: Type.Literal("started"), ...ofCommand });
/** On disk before the Answer is sent. */
const answer = Type.Object({
  t: Type.Literal("answer"),
  ...ofCommand,
  answer: Type.Object({ type: Type.String(), commandId: id, result: Type.Boolean() }),
});
/** The manager has the Answers. Kept for the last Requests, so that a late repetition is known. */
const acked = Type.Object({ t: Type.Literal("acked"), seq, ids, digests });
/**
 * The file was damaged: what it said of the Requests in the lines before this one is not all known, nor which others up
 * to `upToSeq` it knew. Without `upToSeq`: any other.
 */
const doubt = Type.Object({ t: Type.Literal("doubt"), upToSeq: Type.Optional(seq) });

export type JournalLine =
  | Static<typeof request>
  | Static<typeof started>
  | Static<typeof answer>
  | Static<typeof acked>
  | Static<typeof doubt>;

interface Check {
  Check(value: unknown): boolean;
}
const checks = new Map<string, Check>(
  Object.entries({ request, started, answer, acked, doubt }).map(([kind, shape]) => [
    kind,
    Compile(shape as TObject),
  ]),
);

/** The line; `later` for a kind that a later version may have added; undefined when it is no line. */
export function readJournalLine(text: string): JournalLine | "later" | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const kind: unknown =
    typeof value === "object" && value !== null && "t" in value ? value.t : undefined;
  if (typeof kind !== "string") return undefined;
  const check = checks.get(kind);
  if (check === undefined) return "later";
  return check.Check(value) ? (value as JournalLine) : undefined;
}

/** The highest number of a Request that shows in a line that can't be read. */
export function seqIn(damaged: string): number | undefined {
  const found = [...damaged.matchAll(/"seq":(\d{1,16})\b/g)].map(([, digits]) => Number(digits));
  return found.length === 0 ? undefined : Math.max(...found);
}

export function requestLine({ seq: no, ids: names, digests: told }: RequestKey): string {
  return text({ t: "request", seq: no, ids: [...names], ...(told && { digests: [...told] }) });
}

export function startedLine(of: RequestKey, command: string): string {
  return text({ t: "started", key: of.ids[0] ?? "", id: command, seq: of.seq });
}

/** @param json the Answer as JSON text. */
export function answerLine(of: RequestKey, command: string, json: string): string {
  const [key, name] = [of.ids[0] ?? "", command].map((one) => JSON.stringify(one));
  return `{"t":"answer","key":${key},"id":${name},"seq":${of.seq},"answer":${json}}`;
}

export function ackedLine({ seq: no, ids: names, digests: told }: RequestKey): string {
  return text({ t: "acked", seq: no, ids: [...names], ...(told && { digests: [...told] }) });
}

/** @param upToSeq Infinity for any. */
export function doubtLine(upToSeq: number): string {
  return text({ t: "doubt", ...(upToSeq !== Infinity && { upToSeq }) });
}

function text(line: JournalLine): string {
  return JSON.stringify(line);
}
