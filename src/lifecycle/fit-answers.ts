/** Keeps the Answers to a durable Request in a size that a lifecycle can take. */
import type { Answer, ErrorAnswer } from "../api/index.ts";
import { sizeOf } from "./size-of.ts";

/** Of all Answers to one Request, in bytes of JSON. Temporal refuses a message above 2 MiB for ever. */
export const answersBytesMax = 1024 * 1024;

/**
 * The same Answers, the largest of them replaced by one that says so where they are too large together. What is known of the
 * effect stays: a Command that was carried out was carried out.
 */
export function fitAnswers(
  answers: readonly Answer[],
  bytesMax = answersBytesMax,
): readonly Answer[] {
  if (sizeOf(answers) <= bytesMax) return answers;
  const sizes = answers.map((answer, index) => ({ index, bytes: sizeOf(answer) }));
  const fitted = [...answers];
  // The brackets, and a comma behind each.
  let bytes = 1 + sizes.reduce((sum, size) => sum + size.bytes + 1, 0);
  for (const { index, bytes: before } of sizes.toSorted((a, b) => b.bytes - a.bytes)) {
    const answer = answers[index];
    if (bytes <= bytesMax || answer === undefined) break;
    const short = tooLarge(answer, before, bytesMax);
    fitted[index] = short;
    bytes += sizeOf(short) - before;
  }
  return fitted;
}

function tooLarge(answer: Answer, bytes: number, bytesMax: number): ErrorAnswer {
  const { commandId, result, outcome = "done" } = answer;
  const end = result ? "succeeded" : "failed";
  return {
    type: "ErrorAnswer",
    commandId,
    result: false,
    outcome,
    errorCode: "ANSWER_TOO_LARGE",
    details:
      `The Command ${end}, but its Answer has ${bytes} bytes: all Answers to a Request of the durable lane may have ` +
      `${bytesMax} together. Ask for less at once, or ask on the direct lane.`,
  };
}
