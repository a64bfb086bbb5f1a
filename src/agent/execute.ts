/** Runs one Command and turns whatever comes of it into exactly one Answer that can be sent. */
import type { Answer, ExecuteOptions, Outcome, WireCommand } from "../api/index.ts";
import { answerToText, type SendProblem } from "../wire/outgoing.ts";
import { errorAnswer } from "./error-answers.ts";
import type { ResourceSet } from "./resource-set.ts";

/** How long a resource may take to come back after its signal was aborted. */
const abortGraceMs = 5_000;

/** An Answer ready to send. */
export interface FinishedAnswer {
  readonly result: boolean;
  /** JSON text. */
  readonly text: string;
}

/** What can interrupt an execution: the end of its Request. */
export interface Interruptible {
  /** Aborted when it is over early. */
  readonly signal: AbortSignal;
  /** Why it is over early; undefined while it is not. */
  readonly over: Error | undefined;
  /** Calls back when it is over early, at once when it is. Gives a function that forgets the callback. */
  whenOver(listener: () => void): () => void;
}

/** What one execution goes by. */
export interface Execution {
  readonly resources: ResourceSet;
  readonly request: Interruptible;
  /** How long the caller still waits, in milliseconds. */
  readonly waitMs: number;
  /** Room for the Answer in its Response. */
  readonly bytesMax: number;
  /** What is known of the effect when it is not run here: an earlier run of the agent may have. */
  readonly ifNotRun: Outcome;
  /** For tests: defaults to 5 s. */
  readonly abortGraceMs?: number | undefined;
}

/** Runs the Command. Never throws. */
export async function executeCommand(
  command: WireCommand,
  execution: Execution,
): Promise<FinishedAnswer> {
  const { resources, request, waitMs, bytesMax, ifNotRun } = execution;
  if (resources.lacks(command)) {
    const details = `This agent has no resource named ${command.resource ?? ""}.`;
    return finish(errorAnswer(command, ifNotRun, "NO_SUCH_RESOURCE", details));
  }
  const readOnly = resources.traitsOf(command.type).readOnly;
  const interrupted = whenInterrupted(request, execution.abortGraceMs ?? abortGraceMs);
  try {
    const work = resources.execute(command, optionsOf(request, waitMs));
    const answer = await Promise.race([work, interrupted.promise]);
    if (answer === undefined && interrupted.happened()) {
      const details =
        `${interruption(request)}; the resource has not come back since. ` +
        "Look at the resource to see what became of it.";
      return finish(errorAnswer(command, readOnly ? "done" : "unknown", "INTERRUPTED", details));
    }
    return checked(command, answer, readOnly, bytesMax);
  } catch (error) {
    const why = request.over === undefined ? "" : `${interruption(request)}: `;
    const details = `${why}the resource failed: ${describe(error)}`;
    const code = request.over === undefined ? "RESOURCE_ERROR" : "INTERRUPTED";
    // It may have failed half-way: only what reads is certain to have had no effect.
    return finish(errorAnswer(command, readOnly ? "done" : "unknown", code, details));
  } finally {
    interrupted.forget();
  }
}

/** An Answer of the container's own, ready to send. */
export function finish(answer: Answer): FinishedAnswer {
  return { result: answer.result, text: JSON.stringify(answer) };
}

function checked(
  command: WireCommand,
  answer: unknown,
  readOnly: boolean,
  bytesMax: number,
): FinishedAnswer {
  if (typeof answer !== "object" || answer === null) {
    return notAnAnswer(command, readOnly, {
      type: "wrongShape",
      details: `it returned ${answer === null ? "null" : typeof answer}, not an Answer`,
    });
  }
  const complete = { ...answer, commandId: command.id };
  const text = answerToText(complete, bytesMax);
  if (typeof text === "string") return { result: (complete as unknown as Answer).result, text };
  if (text.type !== "tooLarge") return notAnAnswer(command, readOnly, text);
  const { result, outcome = "done" } = complete as unknown as Answer;
  const details =
    `The resource ran it and said result ${String(result)}, but the Answer can't be sent: ${text.details}. ` +
    "Ask for less at once, or in a Request of its own.";
  return finish(errorAnswer(command, outcome, "ANSWER_TOO_LARGE", details));
}

function notAnAnswer(
  command: WireCommand,
  readOnly: boolean,
  problem: SendProblem,
): FinishedAnswer {
  const details = `The resource ran it and gave no usable Answer: ${problem.details}.`;
  return finish(errorAnswer(command, readOnly ? "done" : "unknown", "BAD_ANSWER", details));
}

function interruption({ over }: Interruptible): string {
  return over?.message ?? "It was interrupted";
}

/** The signal is made when the resource looks at it: few that answer at once do. */
function optionsOf(request: Interruptible, waitMs: number): ExecuteOptions {
  return {
    get signal() {
      return request.signal;
    },
    waitMs,
  };
}

/** An error in words, as long as an Answer bears. */
export function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
}

/** Resolves with nothing when the Request has been over for so long. */
function whenInterrupted(request: Interruptible, graceMs: number) {
  let timer: NodeJS.Timeout | undefined;
  let passed = false;
  let forget = (): void => undefined;
  const promise = new Promise<undefined>((resolve) => {
    forget = request.whenOver(() => {
      timer = setTimeout(() => {
        passed = true;
        resolve(undefined);
      }, graceMs);
    });
  });
  return {
    promise,
    happened: () => passed,
    forget: () => {
      clearTimeout(timer);
      forget();
    },
  };
}
