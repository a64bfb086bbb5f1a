/** `muster recurring list|add|remove`: Commands that an agent's lifecycle sends again and again, by itself. */
import { InvalidArgumentError, type Command } from "commander";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { RecurringJson, RecurringListJson } from "../api/types.ts";
import { type GivenCommand, givenBatch, givenCommand } from "../command-fields.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { operatorName } from "../operator.ts";
import { decimal, oneOf } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { recurringText } from "../text/recurring.ts";
import { secondsMax } from "./send.ts";

interface AddOptions extends JsonOption {
  readonly cron?: string;
  readonly timezone?: string;
  readonly every?: number;
  readonly wait?: number;
  readonly onError: "stop" | "continue";
  readonly batch?: string;
}

export function addRecurringCommand(program: Command, context: CliContext): void {
  const recurring = program
    .command("recurring")
    .description("Commands that are sent again and again: recurring list|add|remove <agent>");
  recurring
    .command("list <agent>")
    .description("list what is sent to an agent again and again, and how it fares")
    .option(...jsonOption)
    .action(async (agentId: string, { json }: JsonOption) => {
      const list = await openApi(context).call<RecurringListJson>("GET", pathOf(agentId));
      printResult(context, json, list, () => recurringText(list.recurring, context));
    });
  addAdd(recurring, context);
  recurring
    .command("remove <agent> <name>")
    .description("send it no more; a run that is under way goes on")
    .option(...jsonOption)
    .action(async (agentId: string, name: string, { json }: JsonOption) => {
      const path = `${pathOf(agentId)}/${pathPart(name)}`;
      const removed = await openApi(context).call<object>("DELETE", path, {
        query: { by: operatorName() },
      });
      printResult(context, json, removed, () => `${name} is removed\n`);
    });
}

function addAdd(recurring: Command, context: CliContext): void {
  recurring
    .command("add <agent> <name> [type] [json]")
    .description("send Commands to an agent again and again; a name that is there is replaced")
    .option("--cron <expression>", "when: five fields, such as '*/5 * * * *'", cron)
    .option("--timezone <zone>", "of --cron, such as Europe/Berlin (default: UTC)")
    .option("--every <s>", "or every so many seconds", decimal(1, secondsMax))
    .option("--batch <file>", "JSON list of Commands instead of [type] [json]; - is stdin")
    .option("--on-error <what>", "stop or continue after a Command that failed", onErrorOf, "stop")
    .option(
      "--wait <s>",
      "how long a run may take (default: its types')",
      decimal(0.001, secondsMax),
    )
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(
      async (
        agentId: string,
        name: string,
        type: string | undefined,
        json: string | undefined,
        options: AddOptions,
      ) => {
        const body = {
          name,
          commands: commandsOf(type, json, options.batch),
          schedule: scheduleOf(options),
          onError: options.onError,
          waitSeconds: options.wait,
          by: operatorName(),
        };
        const added = await openApi(context).call<RecurringJson>("POST", pathOf(agentId), { body });
        printResult(context, options.json, added, () => recurringText([added], context));
      },
    );
}

const onErrorOf = oneOf(["stop", "continue"] as const);
const help = `
[json] holds the Command's fields: an object, @file, or - for stdin.

Examples:
  muster recurring add host-1 health CheckHealth --every 60
  muster recurring add host-1 nightly RebootVm '{"vm":"probe"}' --cron '30 3 * * *' --timezone Europe/Berlin`;

function pathOf(agentId: string): string {
  return `agents/${pathPart(agentId)}/recurring`;
}

function commandsOf(
  type: string | undefined,
  json: string | undefined,
  batch: string | undefined,
): readonly GivenCommand[] {
  if ((type === undefined) === (batch === undefined)) {
    throw new UsageError("give the Command's <type> (and its [json]), or --batch with several.");
  }
  return batch === undefined ? [givenCommand(type ?? "", json)] : givenBatch(batch);
}

function scheduleOf({ cron: expression, timezone, every }: AddOptions) {
  if ((expression === undefined) === (every === undefined)) {
    throw new UsageError("say when: --cron '*/5 * * * *', or --every 60.");
  }
  if (expression === undefined) {
    if (timezone !== undefined) throw new UsageError("--timezone belongs to --cron.");
    return { everySeconds: every };
  }
  return { cron: expression, ...(timezone !== undefined && { timezone }) };
}

/** Only counts the fields: what they mean is the manager's to judge. */
function cron(text: string): string {
  if (text.trim().split(/\s+/).length !== 5) {
    throw new InvalidArgumentError("Give five fields in quotes: minute hour day month weekday.");
  }
  return text.trim();
}
