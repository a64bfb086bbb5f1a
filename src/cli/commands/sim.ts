import type { Command } from "commander";
import { addConnectOptions, connectOptions, type ConnectCliOptions } from "../connect-options.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../option-values.ts";
import { processLog } from "../process-log.ts";
import { jsonOption, printReady, type JsonOption } from "../ready-line.ts";
import { parseConfig } from "../resource-options.ts";

interface SimCliOptions extends ConnectCliOptions, JsonOption {
  readonly agents: number;
  readonly prefix?: string;
  readonly zones?: number;
  readonly clusters?: number;
  readonly rate?: number;
  readonly worldPort?: number;
  readonly config?: Readonly<Record<string, unknown>>;
}

export function addSimCommand(program: Command, context: CliContext): void {
  const command = program
    .command("sim")
    .description("run many simulated hosts in one process")
    .requiredOption("--agents <n>", "how many", wholeNumber(1, 100_000))
    .option("--prefix <text>", 'their ids begin so (default: "sim")')
    .option("--zones <n>", "spread them over so many zones", wholeNumber(1, 1_000))
    .option("--clusters <n>", "and so many clusters in each zone", wholeNumber(1, 1_000))
    .option("--rate <n>", "connects each second (default: 200)", wholeNumber(1, 10_000))
    .option(
      "--world-port <n>",
      "port on 127.0.0.1 where their power is switched (default: any)",
      wholeNumber(0, 65_535),
    )
    .option("--config <json>", "settings of each simulated host, or @file", parseConfig);
  addConnectOptions(command)
    .option(...jsonOption)
    .action(async (options: SimCliOptions) => {
      const connect = connectOptions(context, options);
      const log = await processLog(context, "sim");
      const stop = context.stopSignal();
      const { runSim } = await import("../../agent/run-sim.ts");
      const sim = {
        ...connect,
        agents: options.agents,
        idPrefix: options.prefix,
        zones: options.zones,
        clustersPerZone: options.clusters,
        connectsPerSecond: options.rate,
        worldPort: options.worldPort,
        config: options.config,
      };
      await runSim(sim, log, stop, (ready) => {
        const sentence = `${ready.agents} simulated hosts are ready: all connected; their power is switched at ${ready.worldUrl}`;
        printReady(context, options, ready, sentence);
      });
    });
}
