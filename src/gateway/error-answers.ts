import type { Answer, ErrorAnswer, Outcome, WireCommand } from "../api/index.ts";

/** One error Answer for each Command. */
export function errorAnswers(
  commands: readonly WireCommand[],
  outcome: Exclude<Outcome, "done">,
  errorCode: string,
  details: string,
): readonly Answer[] {
  return commands.map((command): ErrorAnswer => ({
    type: "ErrorAnswer",
    commandId: command.id,
    result: false,
    outcome,
    errorCode,
    details,
  }));
}
