import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { addresseeOf, type AddresseeOptions, type Word } from "../addressee.ts";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { SubmitJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { addFleetOptions } from "../fleet-selection.ts";
import { decimal, oneOf, wholeNumber } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { sendToFleet, type SendFleetOptions } from "../send-to-fleet.ts";
import { sendToOne } from "../send-to-one.ts";
import type { CommandsBody } from "../send-request.ts";

interface SendOptions extends AddresseeOptions, JsonOption {
  readonly lane: "durable" | "direct";
  readonly wait?: number;
  readonly onError?: "stop" | "continue";
  readonly requestId?: string;
  readonly timeout?: number;
  readonly async?: boolean;
  readonly concurrency?: number;
  readonly each?: boolean;
  readonly yes?: boolean;
}

/** The longest wait of a Command and of a call, in seconds. */
export const secondsMax = 864_000;
export const concurrencyMax = 5_000;

export function addSendCommand(program: Command, context: CliContext): void {
  const command = program
    .command("send [id] [type] [json]")
    .usage(
      "[options] <id> <type> [json]\n       muster send [options] --all|--where <k=v,…> <type> [json]",
    )
    .description("send Commands to an agent, or one to many agents, and print the Answers")
    .option("--lane <lane>", "durable, or direct: read-only Commands", oneOf(lanes), "durable")
    .option("--batch <file>", "JSON list of Commands instead of <type> [json]; - is stdin")
    .option(
      "--on-error <what>",
      "stop or continue after a Command, or an agent, that failed",
      oneOf(onErrors),
    )
    .option("--wait <s>", "how long the Commands may take (default: their types')", seconds())
    .option("--async", "do not wait for Answers: print the request id")
    .option("--request-id <id>", "asking again with the same id is the same Request")
    .option("--timeout <s>", "how long to wait for the operator API at all", seconds());
  addFleetOptions(command)
    .option("--concurrency <n>", "agents at once", wholeNumber(1, concurrencyMax))
    .option("--each", "print each Answer of many agents as it comes")
    .option("--yes", "to many agents: do not ask whether that is meant")
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(async (id: Word, type: Word, fields: Word, options: SendOptions) => {
      const addressee = addresseeOf([id, type, fields], options);
      if (addressee.agentId === undefined) {
        await sendToFleet(context, addressee.command, sendFleetOptions(options));
        return;
      }
      const body = {
        commands: addressee.commands,
        lane: options.lane,
        requestId: options.requestId ?? randomUUID(),
        onError: options.onError,
        waitSeconds: options.wait,
      };
      const timeoutMs = options.timeout === undefined ? null : options.timeout * 1_000;
      const { json = false } = options;
      if (options.async === true) await submit(context, addressee.agentId, body, options);
      else await sendToOne(context, addressee.agentId, body, { json, timeoutMs });
    });
}

const lanes = ["durable", "direct"] as const;
const onErrors = ["stop", "continue"] as const;
const seconds = () => decimal(0.001, secondsMax);
const help = `
[json] holds the Command's fields: an object, @file, or - for stdin.
Exits with 1 when an Answer says that a Command did not succeed, or when one is missing.
Ctrl-C stops the waiting, not the Commands: they were admitted, and go on.

Examples:
  muster send host-1 StopVm '{"vm":"web-1"}' --wait 60
  muster send host-1 --batch machines.json --on-error continue
  muster send host-1 StartVm @vm.json --async
  muster send --where zone=east,type=kvm RebootVm '{"vm":"probe"}' --concurrency 20`;

/** Has the Commands recorded and says how to hear of them. */
async function submit(
  context: CliContext,
  agentId: string,
  body: CommandsBody,
  { lane, json }: SendOptions,
): Promise<void> {
  if (lane === "direct") {
    throw new UsageError(
      "--async is for the durable lane: nothing keeps Answers of the direct one.",
    );
  }
  const path = `agents/${pathPart(agentId)}/commands`;
  const submitted = await openApi(context).call<SubmitJson>("POST", path, {
    body: { ...body, wait: false },
  });
  const { requestId, seq } = submitted;
  printResult(
    context,
    json,
    submitted,
    () =>
      `${requestId}  Request ${seq} is admitted; hear of it with \`muster request ${requestId} --wait\`\n`,
  );
}

/** @throws UsageError for what many agents can't have. */
function sendFleetOptions(options: SendOptions): SendFleetOptions {
  const { lane, async: isAsync, timeout } = options;
  if (lane === "direct") throw new UsageError("many agents are asked by `muster ask`.");
  if (isAsync === true || timeout !== undefined) {
    throw new UsageError("--async and --timeout are for one agent, not for --all or --where.");
  }
  return options;
}
