/** What operators read of a question that got no answer. */
import { ApplicationFailure, TimeoutFailure, TimeoutType } from "@temporalio/common";

/**
 * Why somebody who was asked by an activity gave no answer, in one sentence.
 * @param who such as `Investigator ping`; names the culprit.
 */
export function failureEvidence(who: string, timeoutMs: number, error: unknown): string {
  const root = rootOf(error);
  if (root instanceof TimeoutFailure) {
    const { timeoutType } = root;
    if (timeoutType === TimeoutType.SCHEDULE_TO_START) {
      return `${who} was not asked: nobody took the question in time.`;
    }
    if (timeoutType === TimeoutType.HEARTBEAT) {
      return `${who} gave no answer: the worker that asked it is gone or hangs.`;
    }
    return `${who} gave no answer within ${timeoutMs} ms.`;
  }
  if (isUnregistered(root)) {
    return `${who} is not known to the worker that was to ask it: add its module to MUSTER_INVESTIGATOR_MODULES there, or take it out of MUSTER_INVESTIGATORS.`;
  }
  return `${who} failed: ${root instanceof Error ? root.message : String(root)}.`;
}

/** The innermost cause: Temporal's outer failures say only that something failed. */
function rootOf(error: unknown): unknown {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current;
}

/** As Temporal's workers say it of an activity type that they have no code for. */
function isUnregistered(error: unknown): boolean {
  return (
    error instanceof ApplicationFailure &&
    error.type === "NotFoundError" &&
    error.message.startsWith("Activity function ")
  );
}
