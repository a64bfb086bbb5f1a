/** Sends one Request to one agent and hears of its Answers as they come. */
import type { Answer } from "../api/index.ts";
import type { ApiClient, Problem } from "./api/client.ts";
import { pathPart } from "./api/client.ts";
import { ApiRefusedError, ApiUnreachableError } from "./api/errors.ts";
import type { CommandsResult } from "./api/types.ts";
import type { GivenCommand } from "./command-fields.ts";
import { DetachedError } from "./errors.ts";

/** The body of `POST agents/:id/commands`. */
export interface CommandsBody {
  readonly commands: readonly GivenCommand[];
  readonly lane: "durable" | "direct";
  readonly requestId: string;
  readonly onError?: "stop" | "continue" | undefined;
  readonly waitSeconds?: number | undefined;
}

export interface SendListener {
  /** An Answer is there; called once for each Command, at the latest when all are. */
  readonly onAnswer: (index: number, answer: Answer) => void;
}

/** One line of the stream of Answers. */
type StreamLine =
  | { readonly type: "admitted" }
  | { readonly type: "answer"; readonly index: number; readonly answer: Answer }
  | ({ readonly type: "end" } & CommandsResult)
  | { readonly type: "problem"; readonly problem: Problem & { readonly status?: number } };

/**
 * Sends the Request, and asks the gateway that holds the agent when another one is said to. The signal ends the listening, not
 * the Request.
 * @throws DetachedError when the signal aborts; ApiRefusedError; ApiUnreachableError.
 */
export async function sendRequest(
  api: ApiClient,
  agentId: string,
  body: CommandsBody,
  options: { readonly timeoutMs: number | null; readonly signal: AbortSignal },
  listener: SendListener,
): Promise<CommandsResult> {
  const attempt = { admitted: false };
  try {
    return await attemptAt(api, attempt, agentId, body, options, listener);
  } catch (error) {
    if (options.signal.aborted) throw detached(body, attempt.admitted, error);
    const url = error instanceof ApiRefusedError ? error.apiUrl : undefined;
    const there = url === undefined ? undefined : api.at(url);
    if (there === undefined) throw withWayOn(error, body);
    return await attemptAt(there, attempt, agentId, body, options, listener);
  }
}

async function attemptAt(
  api: ApiClient,
  attempt: { admitted: boolean },
  agentId: string,
  body: CommandsBody,
  options: { readonly timeoutMs: number | null; readonly signal: AbortSignal },
  { onAnswer }: SendListener,
): Promise<CommandsResult> {
  const path = `agents/${pathPart(agentId)}/commands`;
  const told = new Set<number>();
  const tell = (index: number, answer: Answer): void => {
    if (!told.has(index)) onAnswer(index, answer);
    told.add(index);
  };
  for await (const value of api.lines("POST", path, { body, ...options })) {
    const line = value as StreamLine | (CommandsResult & { readonly type?: undefined });
    switch (line.type) {
      case "admitted":
        attempt.admitted = true;
        break;
      case "answer":
        tell(line.index, line.answer);
        break;
      case "problem":
        throw api.refusal(line.problem, line.problem.status ?? 0);
      case "end":
      case undefined: {
        const { requestId, answers } = line;
        answers.forEach((answer, index) => {
          tell(index, answer);
        });
        return { requestId, answers };
      }
    }
  }
  const message = "The operator API ended its answer before the Answers came.";
  throw new ApiUnreachableError("API_BROKEN_OFF", message);
}

function detached({ lane, requestId }: CommandsBody, admitted: boolean, cause: unknown) {
  if (lane === "direct") {
    return new DetachedError("Stopped: the Answer, if it comes, is dropped.", { cause });
  }
  const what = admitted ? "was admitted and goes on" : "may have been admitted, and goes on then";
  return new DetachedError(
    `Stopped listening. The Request ${what}: hear its Answers with \`muster request ${requestId} --wait\`, ` +
      `end it with \`muster cancel ${requestId}\`.`,
    { cause },
  );
}

/** What was sent before the connection was lost goes on: says how to hear of it. */
function withWayOn(error: unknown, { lane, requestId }: CommandsBody): unknown {
  if (!(error instanceof ApiUnreachableError) || lane !== "durable") return error;
  if (error.code !== "API_TIMEOUT" && error.code !== "API_BROKEN_OFF") return error;
  const message =
    `${error.message} The Command may have been admitted: ask with \`muster request ${requestId} --wait\`, ` +
    `or send it again with --request-id ${requestId}, which never runs it twice.`;
  return new ApiUnreachableError(error.code, message, { cause: error });
}
