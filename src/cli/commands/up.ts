import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../option-values.ts";
import { processLog } from "../process-log.ts";
import { jsonOption, printReady, type JsonOption } from "../ready-line.ts";

interface UpOptions extends JsonOption {
  readonly sims?: number;
}

export function addUpCommand(program: Command, context: CliContext): void {
  program
    .command("up")
    .description(
      "run everything on this machine: Temporal, PostgreSQL, gateway, worker, simulated hosts, this machine's libvirt",
    )
    .option("--sims <n>", "how many simulated hosts (default: 3)", wholeNumber(0, 100_000))
    .option(...jsonOption)
    .action(async ({ sims, json }: UpOptions) => {
      const config = context.config();
      // The terminal is for people; the processes write their own log files.
      const level = context.env["LOG_LEVEL"] === undefined ? "warn" : config.logLevel;
      const log = await processLog(context, "up", level);
      const stop = context.stopSignal();
      const { readyLines, runStack } = await import("../../local/run-stack.ts");
      const options = {
        say: (line: string) => {
          context.complain(`${line}\n`);
        },
        ...(sims !== undefined && { simulatedHosts: sims }),
      };
      await runStack(config, options, log, stop, (stack) => {
        printReady(context, { json: json === true }, stack, readyLines(stack).join("\n"));
      });
    });
}
