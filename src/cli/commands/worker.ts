import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { processLog } from "../process-log.ts";
import { jsonOption, printReady, type JsonOption } from "../ready-line.ts";

interface WorkerCliOptions extends JsonOption {
  readonly lifecycle?: boolean;
  readonly activities?: boolean;
}

export function addWorkerCommand(program: Command, context: CliContext): void {
  program
    .command("worker")
    .description("run a worker for the agents' lifecycles and their activities")
    .option("--lifecycle", "serve the workflow task queue (with neither option: both)")
    .option("--activities", "serve the activity task queue")
    .option(...jsonOption)
    .action(async ({ lifecycle = false, activities = false, json }: WorkerCliOptions) => {
      const config = context.config();
      const log = await processLog(context, "worker");
      const stop = context.stopSignal();
      const { runWorker } = await import("../../worker/run.ts");
      await runWorker(config, { lifecycle, activities }, log, stop, (ready) => {
        const serves = [ready.lifecycle && "lifecycles", ready.activities && "activities"];
        const sentence = `worker is ready for ${serves.filter(Boolean).join(" and ")}, health at ${ready.healthUrl}`;
        printReady(context, { json: json === true }, ready, sentence);
      });
    });
}
