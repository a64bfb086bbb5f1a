import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { type ApiClient, pathPart } from "../api/client.ts";
import { ApiUnreachableError } from "../api/errors.ts";
import { callWhereHeld } from "../api/call-where-held.ts";
import { openApi } from "../api/open-api.ts";
import type { CommandsResult } from "../api/types.ts";
import { givenCommand } from "../command-fields.ts";
import type { CliContext } from "../context.ts";
import { FailedAnswerError } from "../errors.ts";
import { decimal, oneOf } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { answersText, failureOf } from "../text/answers.ts";

interface SendOptions extends JsonOption {
  readonly lane: "durable" | "direct";
  readonly wait?: number;
  readonly onError?: "stop" | "continue";
  readonly requestId?: string;
  readonly timeout?: number;
}

const secondsMax = 864_000;

export function addSendCommand(program: Command, context: CliContext): void {
  program
    .command("send <id> <type> [json]")
    .description("send a Command to an agent and print its Answer")
    .option("--lane <lane>", "durable, or direct: read-only Commands", oneOf(lanes), "durable")
    .option("--wait <s>", "how long the Command may take (default: its type's)", seconds())
    .option("--on-error <what>", "stop or continue after a Command that failed", oneOf(onErrors))
    .option("--request-id <id>", "asking again with the same id is the same Request")
    .option("--timeout <s>", "how long to wait for the operator API at all", seconds())
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\n[json] holds the Command's fields: an object, @file, or - for stdin.\n" +
        "Exits with 1 when an Answer says that a Command did not succeed.\n\nExamples:\n" +
        "  muster send host-1 GetHostStats --lane direct\n" +
        `  muster send host-1 StopVm '{"vm":"web-1"}' --wait 60`,
    )
    .action(async (id: string, type: string, json: string | undefined, options: SendOptions) => {
      const command = givenCommand(type, json);
      const requestId = options.requestId ?? randomUUID();
      const body = {
        commands: [command],
        lane: options.lane,
        requestId,
        onError: options.onError,
        waitSeconds: options.wait,
      };
      const timeoutMs = options.timeout === undefined ? null : options.timeout * 1_000;
      const result = await send(openApi(context), id, body, timeoutMs);
      printResult(context, options.json, result, () => answersText(result.answers, context.width));
      const failure = failureOf(result.answers);
      if (failure !== undefined) throw new FailedAnswerError(failure);
    });
}

const lanes = ["durable", "direct"] as const;
const onErrors = ["stop", "continue"] as const;
const seconds = () => decimal(0.001, secondsMax);

interface CommandsBody {
  readonly lane: "durable" | "direct";
  readonly requestId: string;
}

async function send(
  api: ApiClient,
  agentId: string,
  body: CommandsBody,
  timeoutMs: number | null,
): Promise<CommandsResult> {
  const path = `agents/${pathPart(agentId)}/commands`;
  try {
    return await callWhereHeld<CommandsResult>(api, "POST", path, { body, timeoutMs });
  } catch (error) {
    throw withWayOn(error, body);
  }
}

/** What was sent before the connection was lost goes on: says how to hear of it. */
function withWayOn(error: unknown, { lane, requestId }: CommandsBody): unknown {
  if (!(error instanceof ApiUnreachableError) || lane !== "durable") return error;
  if (error.code !== "API_TIMEOUT" && error.code !== "API_BROKEN_OFF") return error;
  const message =
    `${error.message} The Command may have been admitted: ask with \`muster request ${requestId}\`, ` +
    `or send it again with --request-id ${requestId}, which never runs it twice.`;
  return new ApiUnreachableError(error.code, message, { cause: error });
}
