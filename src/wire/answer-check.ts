/** Makes sure that an Answer of foreign code can cross the wire. */
import { exceedsDepth } from "./json-depth.ts";
import { frameDepthMax } from "./limits.ts";
import { answerCheck } from "./schemas.ts";

/** Levels that a Response puts around an Answer. */
const levelsAround = 2;

/** Why an Answer can't be sent. */
export interface AnswerProblem {
  readonly type: "wrongShape" | "notJson" | "tooDeep" | "tooLarge";
  readonly details: string;
}

/**
 * The JSON text of an Answer, or why it has none that may be sent.
 * @param answer what a resource returned, with the Command's id put on it.
 * @param bytesMax room for it in its Response.
 */
export function answerToText(answer: object, bytesMax: number): string | AnswerProblem {
  if (!answerCheck.Check(answer)) {
    const error = answerCheck.Errors(answer)[0];
    const where = error === undefined ? "" : `: ${error.instancePath || "/"} ${error.message}`;
    return { type: "wrongShape", details: `it is not an Answer${where}` };
  }
  let text: string;
  try {
    text = JSON.stringify(answer);
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
