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

export interface VerbOptions extends JsonOption {
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

/** A verb's command, with what all of them take. */
export function verb(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--reason <text>", "for the event log")
    .option(...jsonOption);
}

/** Who asks and why, for the event log. */
export function operatorMessage({ reason }: Pick<VerbOptions, "reason">) {
  return { by: operatorName(), ...(reason !== undefined && { reason }) };
}

/** Asks for a change of one agent, and says what came of it. */
export async function change(
  context: CliContext,
  method: "POST" | "DELETE" | "PATCH",
  id: string,
  path: string,
  options: VerbOptions,
  more: Readonly<Record<string, number | string>> = {},
): Promise<void> {
  const message = operatorMessage(options);
  const result = await openApi(context).call<VerbResult>(
    method,
    `agents/${pathPart(id)}${path}`,
    method === "DELETE" ? { query: message } : { body: { ...message, ...more } },
  );
  printResult(context, options.json, result, () => {
    const { status, resourceState, details } = result;
    return hanging(`${id}  `, `${details} (${status}, ${resourceState})`, context.width);
  });
}
