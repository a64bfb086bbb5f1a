import type { Command } from "commander";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { CancelJson, RequestJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { answersText } from "../text/answers.ts";
import { facts } from "../text/facts.ts";

interface CancelOptions extends JsonOption {
  readonly reason?: string;
}

export function addRequestCommands(program: Command, context: CliContext): void {
  program
    .command("request <requestId>")
    .description("tell what became of a Request of the durable lane")
    .option(...jsonOption)
    .action(async (requestId: string, { json }: JsonOption) => {
      const path = `requests/${pathPart(requestId)}`;
      const request = await openApi(context).call<RequestJson>("GET", path);
      printResult(context, json, request, () => requestText(request, context.width));
    });
  program
    .command("cancel <requestId>")
    .description("cancel a Request; each of its Commands still gets one Answer")
    .option("--reason <text>", "for the event log")
    .option(...jsonOption)
    .action(async (requestId: string, { json, reason }: CancelOptions) => {
      const path = `requests/${pathPart(requestId)}`;
      const cancelled = await openApi(context).call<CancelJson>("DELETE", path, {
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

/** A Request and its Answers, if it has them. */
export function requestText(request: RequestJson, width: number): string {
  const { answers, commands } = request;
  const handed = request.handed ? "handed to a gateway" : "not handed to any gateway";
  const head = facts(
    [
      ["request", request.requestId],
      ["agent", request.agentId],
      ["state", request.state === "settled" ? "settled" : `pending, ${handed}`],
      ["commands", commands.map(({ type, id }) => `${type} (${id})`).join(", ")],
    ],
    width,
  );
  return answers === undefined ? head : `${head}${answersText(answers, width)}`;
}
