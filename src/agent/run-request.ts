/** Runs the Commands of one Request in order and gives its Answers. */
import type { WireCommand } from "../api/index.ts";
import { errorAnswer, stoppedAnswer } from "./error-answers.ts";
import { executeCommand, finish, type FinishedAnswer } from "./execute.ts";
import type { Recollection } from "./journal.ts";
import type { OpenRequest } from "./open-request.ts";
import type { ResourceSet } from "./resource-set.ts";

/** What a Response takes beside its Answers, and what is kept free for each Answer of the container's own. */
const envelopeBytes = 256;
const errorAnswerBytesMax = 8_192;

/** Where the progress of a Request is noted. */
export interface Progress {
  recall(command: WireCommand): Recollection;
  /** @throws JournalError: then the Command must not be executed. */
  started(command: WireCommand): Promise<void>;
  answered(command: WireCommand, text: string): Promise<void>;
}

/** For Requests that leave no trace: read-only ones. */
export const noProgress: Progress = {
  recall: () => ({ type: "new" }),
  started: () => Promise.resolve(),
  answered: () => Promise.resolve(),
};

/** What the run goes by. */
export interface RunOptions {
  readonly resources: ResourceSet;
  readonly progress: Progress;
  readonly frameBytesMax: number;
  readonly abortGraceMs?: number | undefined;
}

/**
 * Runs a Request. Gives the JSON text of one Answer for each Command, in their order; undefined when the agent stops
 * before all of them have one: the manager gives the Request again to the next run of the agent.
 */
export async function runRequest(
  request: OpenRequest,
  options: RunOptions,
): Promise<readonly string[] | undefined> {
  const { commands, onError } = request.frame;
  const texts: string[] = [];
  let failed: WireCommand | undefined;
  const keptFree = Math.min(errorAnswerBytesMax, options.frameBytesMax / (2 * commands.length));
  let bytesLeft = options.frameBytesMax - envelopeBytes - (commands.length - 1) * keptFree;
  for (const command of commands) {
    const answer = await answerOne(request, command, failed, bytesLeft, options);
    if (answer === undefined) return undefined;
    texts.push(answer.text);
    bytesLeft -= Buffer.byteLength(answer.text) - keptFree;
    if (!answer.result && onError !== "continue") failed ??= command;
  }
  return texts;
}

async function answerOne(
  request: OpenRequest,
  command: WireCommand,
  failed: WireCommand | undefined,
  bytesLeft: number,
  options: RunOptions,
): Promise<FinishedAnswer | undefined> {
  const { progress, resources } = options;
  const recalled = progress.recall(command);
  if (recalled.type === "answered") {
    const { result } = JSON.parse(recalled.answer) as { readonly result: boolean };
    return { result, text: recalled.answer };
  }
  const idempotent = resources.traitsOf(command.type).idempotent;
  let answer: FinishedAnswer | undefined;
  if (recalled.type !== "new" && !idempotent) answer = finish(unknownAfterCrash(command, recalled));
  else if (failed !== undefined) answer = finish(stoppedAnswer(command, failed));
  else if (request.over?.code === "AGENT_STOPS") return undefined;
  else if (request.over !== undefined) answer = finish(overAnswer(command, recalled, request));
  answer ??= await execute(request, command, bytesLeft, options);
  await progress.answered(command, answer.text);
  return answer;
}

async function execute(
  request: OpenRequest,
  command: WireCommand,
  bytesMax: number,
  options: RunOptions,
): Promise<FinishedAnswer> {
  try {
    await options.progress.started(command);
  } catch (error) {
    const details = `Not executed, since it could not be noted: ${String(error)}`;
    return finish(errorAnswer(command, "notSent", "JOURNAL_UNAVAILABLE", details));
  }
  return executeCommand(command, {
    resources: options.resources,
    signal: request.signal,
    waitMs: request.waitMs,
    bytesMax,
    abortGraceMs: options.abortGraceMs,
  });
}

function overAnswer(command: WireCommand, recalled: Recollection, request: OpenRequest) {
  // An earlier run of the agent may have carried it out.
  const outcome = recalled.type === "new" ? "notSent" : "unknown";
  const reason = request.over;
  return errorAnswer(
    command,
    outcome,
    reason?.code ?? "WAIT_OVER",
    `${reason?.message ?? "It was over"} before it started.`,
  );
}

function unknownAfterCrash(command: WireCommand, recalled: Recollection) {
  const details =
    recalled.type === "started"
      ? "The agent crashed while it ran. Look at the resource to see what became of it."
      : "The agent's journal was damaged, so that it can't tell whether it ran before.";
  return errorAnswer(command, "unknown", "AGENT_CRASHED", details);
}
