/** Answers for people. */
import type { Answer } from "../../api/index.ts";
import { plain } from "./plain.ts";
import { hanging } from "./wrap.ts";

/** What became of each Command, and what its Answer holds beside that. */
export function answersText(answers: readonly Answer[], width: number): string {
  return answers.map((answer) => answerText(answer, width)).join("");
}

/** The Answers that say that a Command did not succeed, in one sentence; undefined when all did. */
export function failureOf(answers: readonly Answer[]): string | undefined {
  const failed = answers.filter((answer) => !answer.result);
  if (failed.length === 0) return undefined;
  return failed.map((answer) => `${answer.type}: ${wordsOf(answer)}`).join("; ");
}

function answerText(answer: Answer, width: number): string {
  const head = hanging(`${plain(answer.type)}  `, wordsOf(answer), width);
  const fields = Object.entries(answer).filter(([name]) => !shownInWords.has(name));
  if (fields.length === 0) return head;
  const json = JSON.stringify(Object.fromEntries(fields), undefined, 2).split("\n").slice(1, -1);
  return `${head}${json.map((line) => `${plain(line)}\n`).join("")}`;
}

function wordsOf({ result, outcome = "done", errorCode, details }: Answer): string {
  const what = result ? "done" : outcomes[outcome];
  const code = errorCode === undefined ? "" : ` [${errorCode}]`;
  return `${what}${code}${details === undefined ? "" : `: ${details}`}`;
}

const shownInWords: ReadonlySet<string> = new Set<keyof Answer>([
  "type",
  "commandId",
  "result",
  "details",
  "outcome",
  "errorCode",
]);
const outcomes = {
  done: "failed",
  notSent: "not sent, it took no effect",
  unknown: "outcome unknown, it may have taken effect",
} as const;
