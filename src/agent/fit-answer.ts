import type { Answer, WireCommand } from "../api/index.ts";
import { errorAnswer } from "./error-answers.ts";
import type { FinishedAnswer } from "./execute.ts";

/**
 * An Answer that has room in its Response: its details are cut first, then all but what became of the Command. A Response
 * that fits into no frame would end each session that it leaves by.
 */
export function fitAnswer(
  command: WireCommand,
  answer: FinishedAnswer,
  bytesMax: number,
): FinishedAnswer {
  if (Buffer.byteLength(answer.text) <= bytesMax) return answer;
  const whole = JSON.parse(answer.text) as Answer;
  const { result, details = "", outcome = "done" } = whole;
  const roomBytes = bytesMax - bytesOf({ ...whole, details: "" });
  if (roomBytes > 0) {
    return { result, text: JSON.stringify({ ...whole, details: clip(details, roomBytes) }) };
  }
  const tooLarge = errorAnswer(command, outcome, "ANSWER_TOO_LARGE", "");
  return { result: false, text: JSON.stringify(tooLarge) };
}

/** The longest beginning of a text that takes no more bytes within JSON. */
function clip(text: string, bytesMax: number): string {
  let [fits, tooLong] = [0, text.length + 1];
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    // Two bytes are its quotation marks, which are counted already.
    if (bytesOf(text.slice(0, middle)) - 2 <= bytesMax) fits = middle;
    else tooLong = middle;
  }
  return text.slice(0, fits);
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
