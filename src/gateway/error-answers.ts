import type { Answer, ErrorAnswer, Outcome, WireCommand } from "../api/index.ts";
import type { CallerRequest } from "./command-lanes.ts";

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

/** What a caller gets whose Request goes on without word of it here: asking again, with its id, tells. */
export function noNewsAnswers(
  { requestId, commands }: Pick<CallerRequest, "requestId" | "commands">,
  why: string,
): readonly Answer[] {
  const details = `${why} Ask for request ${requestId}, or send it again with this id.`;
  return errorAnswers(commands, "unknown", "NO_NEWS", details);
}
