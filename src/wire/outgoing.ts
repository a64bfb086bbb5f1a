/** Makes sure that Commands and Answers of foreign code can cross the wire. */
import { exceedsDepth } from "./json-depth.ts";
import { frameDepthMax } from "./limits.ts";
import { answerCheck, commandCheck } from "./schemas.ts";

/** Levels that a frame puts around a Command or an Answer. */
const levelsAround = 2;

/** Why something can't be sent. */
export interface SendProblem {
  readonly type: "wrongShape" | "notJson" | "tooDeep" | "tooLarge";
  readonly details: string;
}

/**
 * The JSON text of an Answer, or why it has none that may be sent.
 * @param answer what a resource returned, with the Command's id put on it.
 * @param bytesMax room for it in its Response.
 */
export function answerToText(answer: object, bytesMax: number): string | SendProblem {
  return toText(answer, answerCheck, "an Answer", bytesMax);
}

/**
 * The JSON text of a Command, or why it has none that may be sent.
 * @param bytesMax room for it in its Request.
 */
export function commandToText(command: object, bytesMax: number): string | SendProblem {
  return toText(command, commandCheck, "a Command", bytesMax);
}

function toText(
  value: object,
  shape: typeof answerCheck | typeof commandCheck,
  what: string,
  bytesMax: number,
): string | SendProblem {
  if (!shape.Check(value)) {
    const error = shape.Errors(value)[0];
    const where = error === undefined ? "" : `: ${error.instancePath || "/"} ${error.message}`;
    return { type: "wrongShape", details: `it is not ${what}${where}` };
  }
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return { type: "notJson", details: `it can't be written as JSON: ${String(error)}` };
  }
  if (exceedsDepth(text, frameDepthMax - levelsAround)) {
    return { type: "tooDeep", details: `it is nested deeper than a frame may be` };
  }
  const bytes = text.length * 3 <= bytesMax ? 0 : Buffer.byteLength(text);
  if (bytes > bytesMax) {
    return {
      type: "tooLarge",
      details: `it has ${bytes} bytes and ${bytesMax} are left in its frame`,
    };
  }
  return text;
}
