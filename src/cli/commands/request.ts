import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { type ApiClient, pathPart } from "../api/client.ts";
import { ApiUnreachableError } from "../api/errors.ts";
import { openApi } from "../api/open-api.ts";
import type { CancelJson, RequestJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { DetachedError, FailedAnswerError } from "../errors.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { answersText, failureOf } from "../text/answers.ts";
import { facts } from "../text/facts.ts";
import { plain } from "../text/plain.ts";
import { took } from "../text/times.ts";

interface RequestOptions extends JsonOption {
  readonly wait?: boolean;
}
interface CancelOptions extends JsonOption {
  readonly reason?: string;
}

/** How long one call waits; a gateway allows 60 s. */
const pollSeconds = 30;
/** A gateway that waited so long is given this much more to say so. */
const graceMs = 15_000;
const retryMs = 2_000;

export function addRequestCommands(program: Command, context: CliContext): void {
  program
    .command("request <requestId>")
    .description("tell what became of a Request of the durable lane")
    .option(
      "--wait",
      "stay until it has its Answers, and exit as `muster send` would; Ctrl-C detaches",
    )
    .option(...jsonOption)
    .action(async (requestId: string, { json, wait }: RequestOptions) => {
      const api = openApi(context);
      const request =
        wait === true
          ? await untilSettled(context, api, requestId)
          : await api.call<RequestJson>("GET", pathOf(requestId));
      printResult(context, json, request, () => requestText(request, context.width));
      const failure = wait === true ? failureOf(request.answers ?? []) : undefined;
      if (failure !== undefined) throw new FailedAnswerError(failure);
    });
  program
    .command("cancel <requestId>")
    .description("cancel a Request; each of its Commands still gets one Answer")
    .option("--reason <text>", "for the event log")
    .option(...jsonOption)
    .action(async (requestId: string, { json, reason }: CancelOptions) => {
      const cancelled = await openApi(context).call<CancelJson>("DELETE", pathOf(requestId), {
        query: { reason },
      });
      printResult(context, json, cancelled, () => `${cancelTexts[cancelled.result]}\n`);
    });
}

const cancelTexts: Readonly<Record<CancelJson["result"], string>> = {
  cancelled: "cancelled: nothing of it ran",
  asked:
    "the agent may be running it: it was asked to stop, and its Answers will say what became of it",
  settled: "not cancelled: it has its Answers already",
};

function pathOf(requestId: string): string {
  return `requests/${pathPart(requestId)}`;
}

/**
 * Asks until the Request has its Answers; a manager that is away is asked again.
 * @throws DetachedError when the operator stops it; ApiRefusedError.
 */
async function untilSettled(
  context: CliContext,
  api: ApiClient,
  requestId: string,
): Promise<RequestJson> {
  const signal = context.stopSignal();
  let complained: string | undefined;
  for (;;) {
    try {
      const request = await api.call<RequestJson>("GET", pathOf(requestId), {
        query: { waitSeconds: pollSeconds },
        timeoutMs: pollSeconds * 1_000 + graceMs,
        signal,
      });
      if (request.state === "settled") return request;
      complained = undefined;
    } catch (error) {
      if (signal.aborted) {
        const message = `Stopped waiting: the Request goes on. End it with \`muster cancel ${requestId}\`.`;
        throw new DetachedError(message, { cause: error });
      }
      if (!(error instanceof ApiUnreachableError)) throw error;
      if (error.message !== complained)
        context.complain(`muster: ${plain(error.message)} Trying again.\n`);
      complained = error.message;
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** A Request and its Answers, those that are there. */
export function requestText(request: RequestJson, width: number): string {
  const { answers, progress = [], commands, waitLeftMs } = request;
  const handed = request.handed ? "handed to a gateway" : "not handed to any gateway";
  const left = waitLeftMs === undefined ? "" : `, ${took(waitLeftMs)} left`;
  const head = facts(
    [
      ["request", request.requestId],
      ["agent", request.agentId],
      ["state", request.state === "settled" ? "settled" : `pending, ${handed}${left}`],
      ["commands", commands.map(({ type, id }) => `${type} (${id})`).join(", ")],
    ],
    width,
  );
  return `${head}${answersText(answers ?? progress, width)}`;
}
