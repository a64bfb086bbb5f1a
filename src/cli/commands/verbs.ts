/** The operators' verbs: each is one validated change of one agent. */
import type { Command } from "commander";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { VerbResult } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { operatorName } from "../operator.ts";
import { decimal } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { hanging } from "../text/wrap.ts";

interface VerbOptions extends JsonOption {
  readonly reason?: string;
}
interface RemoveOptions extends VerbOptions {
  readonly yes?: boolean;
}
interface ConfigureOptions extends VerbOptions {
  readonly pingInterval?: number;
  readonly pingMultiplier?: number;
}

const simpleVerbs = {
  enable: "allow Commands of all kinds",
  disable: "refuse Commands that need new resources",
  unmanage: "leave the host alone: no Commands, losses are not looked into",
  manage: "take an unmanaged host back",
  reconnect: "have the agent connect anew",
} as const;

export function addVerbCommands(program: Command, context: CliContext): void {
  const maintenance = program
    .command("maintenance")
    .description("take a host out of service, or back: maintenance enter|cancel <id>");
  verb(maintenance, "enter <id>", "take the host out of service").action(
    async (id: string, options: VerbOptions) => {
      await change(context, "POST", id, "/maintenance", options);
    },
  );
  verb(maintenance, "cancel <id>", "put the host back into service").action(
    async (id: string, options: VerbOptions) => {
      await change(context, "DELETE", id, "/maintenance", options);
    },
  );
  for (const [name, description] of Object.entries(simpleVerbs)) {
    verb(program, `${name} <id>`, description).action(async (id: string, options: VerbOptions) => {
      await change(context, "POST", id, `/${name}`, options);
    });
  }
  verb(program, "remove <id>", "remove an agent for good")
    .option("--yes", "really: its id can't be used again")
    .action(async (id: string, options: RemoveOptions) => {
      if (options.yes !== true) {
        throw new UsageError(
          `removing ${id} is for good: its session is closed, what it was sent is given up, and its id can't be used again. Say --yes to do it.`,
        );
      }
      await change(context, "DELETE", id, "", options);
    });
  addConfigure(program, context);
}

function addConfigure(program: Command, context: CliContext): void {
  verb(program, "configure <id>", "change how often one agent pings, and when silence is a loss")
    .option("--ping-interval <s>", "seconds between two pings", decimal(0.1, 86_400))
    .option("--ping-multiplier <n>", "silence of so many intervals is a loss", decimal(1.1, 100))
    .action(async (id: string, options: ConfigureOptions) => {
      const { pingInterval, pingMultiplier } = options;
      if (pingInterval === undefined && pingMultiplier === undefined) {
        throw new UsageError("nothing to change: give --ping-interval, --ping-multiplier or both.");
      }
      await change(context, "PATCH", id, "", options, {
        ...(pingInterval !== undefined && { pingIntervalMs: Math.round(pingInterval * 1_000) }),
        ...(pingMultiplier !== undefined && { pingTimeoutMultiplier: pingMultiplier }),
      });
    });
}

function verb(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--reason <text>", "for the event log")
    .option(...jsonOption);
}

async function change(
  context: CliContext,
  method: "POST" | "DELETE" | "PATCH",
  id: string,
  path: string,
  { json, reason }: VerbOptions,
  more: Readonly<Record<string, number>> = {},
): Promise<void> {
  const message = { by: operatorName(), ...(reason !== undefined && { reason }) };
  const result = await openApi(context).call<VerbResult>(
    method,
    `agents/${pathPart(id)}${path}`,
    method === "DELETE" ? { query: message } : { body: { ...message, ...more } },
  );
  printResult(context, json, result, () => {
    const { status, resourceState, details } = result;
    return hanging(`${id}  `, `${details} (${status}, ${resourceState})`, context.width);
  });
}
