/** The lines of a journal file. */
import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";

const id = Type.String();
const seq = Type.Integer();
const ids = Type.Array(id, { minItems: 1 });

const lineShape = Type.Union([
  /** A Request was taken up; `ids` of its Commands in order. The first one names the Request in other lines. */
  Type.Object({ t: Type.Literal("request"), seq, ids }),
  /** On disk before the Command is executed. */
  Type.Object({ t: Type.Literal("started"), key: id, id }),
  /** On disk before the Answer is sent. */
  Type.Object({ t: Type.Literal("answer"), key: id, id, answer: Type.Object({}) }),
  /** The manager has the Answers. Kept for the last Requests, so that a late repetition is known. */
  Type.Object({ t: Type.Literal("acked"), seq, ids }),
]);
const check = Compile(lineShape);

export type JournalLine = Static<typeof lineShape>;

/** The line, or undefined when it is none (one of a later version: left alone). */
export function readJournalLine(value: unknown): JournalLine | undefined {
  return check.Check(value) ? value : undefined;
}
