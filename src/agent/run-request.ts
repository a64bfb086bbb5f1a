/** Runs the Commands of one Request in order and gives its Answers. */
import type { Outcome, WireCommand } from "../api/index.ts";
import { errorAnswer, stoppedAnswer } from "./error-answers.ts";
import { JournalError } from "./errors.ts";
import { describe, executeCommand, finish, type FinishedAnswer } from "./execute.ts";
import { fitAnswer } from "./fit-answer.ts";
import type { Recollection } from "./journal-memory.ts";
import type { OpenRequest, RequestOverError } from "./open-request.ts";
import type { RequestNotes } from "./request-notes.ts";
import type { ResourceSet } from "./resource-set.ts";

/** What a Response takes beside its Answers, and what is kept free for each Answer of the container's own. */
const envelopeBytes = 256;
const errorAnswerBytesMax = 8_192;

/** What the run goes by. */
export interface RunOptions {
  readonly resources: ResourceSet;
  readonly notes: RequestNotes;
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
  let failed: WireCommand | undefined;
  const keptFree = Math.min(errorAnswerBytesMax, options.frameBytesMax / (2 * commands.length));
  let bytesLeft = options.frameBytesMax - envelopeBytes - (commands.length - 1) * keptFree;
  for (const command of commands) {
    const answer = await answerOne(request, command, failed, bytesLeft, options);
    if (answer === undefined) return undefined;
    request.answered(answer.text);
    bytesLeft -= Buffer.byteLength(answer.text) - keptFree;
    if (!answer.result && onError !== "continue") failed ??= command;
  }
  return request.answers;
}

/** Never throws: whatever breaks, the Command gets its Answer. */
async function answerOne(
  request: OpenRequest,
  command: WireCommand,
  failed: WireCommand | undefined,
  bytesLeft: number,
  options: RunOptions,
): Promise<FinishedAnswer | undefined> {
  try {
    return await recalledOrRun(request, command, failed, bytesLeft, options);
  } catch (error) {
    const details = `The agent itself failed: ${describe(error)}. Look at the resource to see what became of it.`;
    const answer = finish(errorAnswer(command, "unknown", "AGENT_FAILED", details));
    return fitAnswer(command, answer, bytesLeft);
  }
}

async function recalledOrRun(
  request: OpenRequest,
  command: WireCommand,
  failed: WireCommand | undefined,
  bytesLeft: number,
  options: RunOptions,
): Promise<FinishedAnswer | undefined> {
  const { notes, resources } = options;
  const recalled = notes.recall(command);
  if (recalled.type === "answered") return fitAnswer(command, known(recalled.answer), bytesLeft);
  const isNew = recalled.type === "new";
  const runsAgain = resources.traitsOf(command.type).idempotent && failed === undefined;
  let answer: FinishedAnswer | undefined;
  if (recalled.type === "givenBefore" || recalled.type === "idTaken") {
    answer = givenElsewhere(command, recalled);
  } else if (recalled.type !== "new" && !runsAgain) {
    answer = finish(unknownAfterCrash(command, recalled.type));
  } else if (failed !== undefined) answer = finish(stoppedAnswer(command, failed));
  else if (request.over?.code === "AGENT_STOPS") return undefined;
  // What an earlier run of the agent started may have been carried out.
  answer ??= await execute(request, command, isNew ? "notSent" : "unknown", bytesLeft, options);
  answer = fitAnswer(command, answer, bytesLeft);
  await notes.answered(command, answer.text);
  return answer;
}

/** An Answer that was given before. */
function known(text: string): FinishedAnswer {
  const { result } = JSON.parse(text) as { readonly result: boolean };
  return { result, text };
}

/** The Answer to a Command whose id came in another Request: it is run there or nowhere. */
function givenElsewhere(
  command: WireCommand,
  recalled: Recollection & { readonly type: "givenBefore" | "idTaken" },
): FinishedAnswer {
  const { seq } = recalled;
  if (recalled.type === "idTaken") {
    const details = `Another Command had this id in Request ${seq}: this one was not run. Give each Command an id of its own.`;
    return finish(errorAnswer(command, "notSent", "DUPLICATE_COMMAND_ID", details));
  }
  if (recalled.answer !== undefined) return known(recalled.answer);
  const details = `It came in Request ${seq} before, whose Answers tell what became of it: it was not run again.`;
  return finish(errorAnswer(command, "unknown", "DUPLICATE_COMMAND_ID", details));
}

async function execute(
  request: OpenRequest,
  command: WireCommand,
  ifNotRun: Outcome,
  bytesMax: number,
  options: RunOptions,
): Promise<FinishedAnswer> {
  if (request.over !== undefined) return overAnswer(command, ifNotRun, request.over);
  try {
    await options.notes.started(command);
  } catch (error) {
    const details = `It was not executed, since that could not be noted: ${describe(error)}`;
    const code = error instanceof JournalError ? error.code : "JOURNAL_UNAVAILABLE";
    return finish(errorAnswer(command, ifNotRun, code, details));
  }
  if (isOver(request)) return overAnswer(command, ifNotRun, request.over);
  return executeCommand(command, {
    resources: options.resources,
    request,
    waitMs: request.waitMs,
    bytesMax,
    ifNotRun,
    abortGraceMs: options.abortGraceMs,
  });
}

/** Asked anew after each wait: the compiler believes that it does not change. */
function isOver(
  request: OpenRequest,
): request is OpenRequest & { readonly over: RequestOverError } {
  return request.over !== undefined;
}

function overAnswer(command: WireCommand, outcome: Outcome, over: RequestOverError) {
  return finish(errorAnswer(command, outcome, over.code, `${over.message}: it was not started.`));
}

const whyUnknown = {
  started: [
    "AGENT_CRASHED",
    "The agent crashed while it ran. Look at the resource to see what became of it.",
  ],
  doubtful: [
    "AGENT_CRASHED",
    "The agent's journal was damaged, so that it can't tell whether it ran before.",
  ],
  elsewhere: [
    "OWNER_CHANGED",
    "Another gateway owned the agent when it was sent, and was lost before it answered. Look at the resource to see what became of it.",
  ],
} as const;

function unknownAfterCrash(command: WireCommand, recalled: keyof typeof whyUnknown) {
  const [code, details] = whyUnknown[recalled];
  return errorAnswer(command, "unknown", code, details);
}
