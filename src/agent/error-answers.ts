/** Answers that the container gives itself. */
import type {
  ErrorAnswer,
  Outcome,
  StoppedByPreviousFailureAnswer,
  WireCommand,
} from "../api/index.ts";

/** An Answer for a Command that something other than its resource ended. */
export function errorAnswer(
  command: WireCommand,
  outcome: Outcome,
  errorCode: string,
  details: string,
): ErrorAnswer {
  return { type: "ErrorAnswer", commandId: command.id, result: false, outcome, errorCode, details };
}

/** An Answer for a Command behind one that failed, in a Request that stops at failures. */
export function stoppedAnswer(
  command: WireCommand,
  failed: WireCommand,
): StoppedByPreviousFailureAnswer {
  return {
    type: "StoppedByPreviousFailureAnswer",
    commandId: command.id,
    result: false,
    outcome: "notSent",
    errorCode: "STOPPED_BY_PREVIOUS_FAILURE",
    details: `${failed.type} ${failed.id} before it failed. Send it again, or use onError "continue".`,
  };
}
