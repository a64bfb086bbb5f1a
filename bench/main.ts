/** `npm run bench -- <name> [--json]`: runs one bench, or all; progress on stderr, the result on stdout. */
import { Command, CommanderError } from "commander";
import { wholeNumber } from "../src/cli/option-values.ts";
import { benchConnect } from "./connect.ts";
import { benchDirect } from "./direct.ts";
import { benchDurable } from "./durable.ts";
import { benchFleet } from "./fleet.ts";
import { benchIdle } from "./idle.ts";
import { profileInto } from "./processes.ts";
import { show, type BenchResult } from "./result.ts";
import type { Progress } from "./stack.ts";
import { benchStorm } from "./storm.ts";

/** What a person may choose. */
interface Options {
  readonly json?: boolean;
  readonly profile?: string;
  readonly agents?: number;
  readonly rounds?: number;
  readonly pingSeconds?: number;
}

const benches: Readonly<
  Record<string, (progress: Progress, options: Options) => Promise<BenchResult>>
> = {
  direct: benchDirect,
  durable: benchDurable,
  connect: benchConnect,
  fleet: benchFleet,
  idle: benchIdle,
  storm: benchStorm,
};

const program = new Command("npm run bench --")
  .argument("<bench>", `one of ${Object.keys(benches).join(", ")}, or all`)
  .option("--json", "print one line of JSON for each bench")
  .option("--agents <n>", "fleet, idle, storm: how many agents", wholeNumber(2, 100_000))
  .option("--rounds <n>", "fleet: rounds that are measured (default: 5)", wholeNumber(1, 100))
  .option("--ping-seconds <n>", "idle: time between two pings of an agent", wholeNumber(4, 3_600))
  .option("--profile <folder>", "let every Node process leave its CPU profile there")
  .exitOverride()
  .action(async (name: string, options: Options) => {
    if (options.profile !== undefined) profileInto(options.profile);
    const names = name === "all" ? Object.keys(benches) : [name];
    for (const one of names) {
      const bench = benches[one];
      if (bench === undefined) return program.error(`There is no bench "${one}".`, { exitCode: 2 });
      const progress: Progress = (text) => void process.stderr.write(`${one}: ${text}\n`);
      process.stdout.write(`${show(await bench(progress, options), options.json === true)}\n`);
    }
  });

// `npm run bench` holds the other end: when it is gone, nobody waits for a result, and the guard ends the servers.
process.on("disconnect", () => process.exit(1));
process.channel?.unref();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
