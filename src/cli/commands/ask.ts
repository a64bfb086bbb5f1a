import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { addresseeOf, type AddresseeOptions, type Word } from "../addressee.ts";
import type { CliContext } from "../context.ts";
import { addFleetOptions } from "../fleet-selection.ts";
import { decimal, wholeNumber } from "../option-values.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { askFleet } from "../send-to-fleet.ts";
import { sendToOne } from "../send-to-one.ts";
import { concurrencyMax, secondsMax } from "./send.ts";

interface AskOptions extends AddresseeOptions, JsonOption {
  readonly wait?: number;
  readonly concurrency?: number;
  readonly each?: boolean;
}

export function addAskCommand(program: Command, context: CliContext): void {
  const command = program
    .command("ask [id] [type] [json]")
    .usage(
      "[options] <id> <type> [json]\n       muster ask [options] --all|--where <k=v,…> <type> [json]",
    )
    .description("ask one agent or many something that only reads, past Temporal");
  addFleetOptions(command)
    .option(
      "--wait <s>",
      "how long an Answer may take (default: its type's)",
      decimal(0.001, secondsMax),
    )
    .option("--concurrency <n>", "agents asked at once", wholeNumber(1, concurrencyMax))
    .option("--each", "print each Answer of many agents as it comes")
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(async (id: Word, type: Word, json: Word, options: AskOptions) => {
      const addressee = addresseeOf([id, type, json], options);
      if (addressee.agentId === undefined) {
        await askFleet(context, addressee.command, options);
        return;
      }
      const body = {
        commands: addressee.commands,
        lane: "direct",
        requestId: randomUUID(),
        waitSeconds: options.wait,
      } as const;
      await sendToOne(context, addressee.agentId, body, {
        json: options.json === true,
        timeoutMs: null,
      });
    });
}

const help = `
[json] holds the Command's fields: an object, @file, or - for stdin.
Many agents: counts, latencies, and who did not answer and why. With --json: a line for each agent, then one with
"summary". Exits with 0 when every agent answered with success, else with 1. Ctrl-C stops the asking and prints what
is there; again ends at once.

Examples:
  muster ask host-1 GetHostStats
  muster ask --all CheckHealth
  muster ask --where zone=east,type=kvm,status=Up ListVms --each`;
