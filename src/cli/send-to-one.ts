/** Sends Commands to one agent as one Request, and prints each Answer as it comes. */
import type { Answer } from "../api/index.ts";
import { openApi } from "./api/open-api.ts";
import type { CliContext } from "./context.ts";
import { FailedAnswerError } from "./errors.ts";
import { type CommandsBody, sendRequest } from "./send-request.ts";
import { answersText, failureOf } from "./text/answers.ts";

/**
 * Ends with the Answers, or when the operator has seen enough (Ctrl-C): what was sent goes on.
 * @throws FailedAnswerError when a Command did not succeed; DetachedError; ApiRefusedError; ApiUnreachableError.
 */
export async function sendToOne(
  context: CliContext,
  agentId: string,
  body: CommandsBody,
  { json, timeoutMs }: { readonly json: boolean; readonly timeoutMs: number | null },
): Promise<void> {
  const { length: count } = body.commands;
  const onAnswer = (index: number, answer: Answer): void => {
    const place = count === 1 ? "" : `${index + 1}/${count}  `;
    if (!json) context.print(`${place}${answersText([answer], context.width - place.length)}`);
  };
  const call = { timeoutMs, signal: context.stopSignal() };
  const result = await sendRequest(openApi(context), agentId, body, call, { onAnswer });
  if (json) context.print(`${JSON.stringify(result)}\n`);
  const failure = failureOf(result.answers);
  if (failure !== undefined) throw new FailedAnswerError(failure);
}
