import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { processLog } from "../process-log.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";

export function addSetupCommand(program: Command, context: CliContext): void {
  program
    .command("setup")
    .description("prepare database, Temporal namespace and search attributes; safe to repeat")
    .option(...jsonOption)
    .action(async ({ json }: JsonOption) => {
      const config = context.config();
      const log = await processLog(context, "setup");
      const stop = context.stopSignal();
      const { runSetup } = await import("../../worker/setup/run-setup.ts");
      const steps = await runSetup(config, log, stop, ({ details }) => {
        if (json !== true) context.print(`${details}\n`);
      });
      if (json === true) context.print(`${JSON.stringify({ done: true, steps })}\n`);
    });
}
