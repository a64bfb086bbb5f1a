/** `npm run faults`: breaks every part of a running Muster at every moment of a Command's way, and judges what is left. */
import { randomInt } from "node:crypto";
import { cpSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { packageRoot } from "../../src/local/package-root.ts";
import { cells, chosenCells, leftOut, type Cell } from "./matrix.ts";
import { lineOf, reachOf, replayOf, tableOf } from "./report.ts";
import { asJson, historiesOf } from "./replay.ts";
import { runCell, type CellResult } from "./run-cell.ts";
import { seeded } from "./seeded.ts";
import { FaultStack } from "./stack.ts";

interface Options {
  readonly minutes?: number;
  readonly seed: string;
  readonly begin: number;
  readonly only: readonly string[];
  readonly commands: number;
  readonly json?: boolean;
  readonly list?: boolean;
}

const say = (text: string) => void process.stderr.write(`${text}\n`);
/** Of cells with violations. */
const evidenceFolder = join(packageRoot, ".cache", "faults");

const program = new Command("npm run faults --")
  .description(
    "Runs the cells of the fault matrix in an order that the seed gives: all of them once, or as many as fit into --minutes (again, with new choices, when there is time left). What was not reached is said at the end.",
  )
  .option("--minutes <n>", "begin no cell after so long", positive)
  .option("--seed <seed>", "repeat the choices of an earlier run", String(randomInt(1_000_000)))
  .option("--begin <place>", "begin with that cell of the seed's order, counted from 1", place, 1)
  .option(
    "--only <words>",
    "cells whose name contains one of these words, separated by commas",
    words,
    [],
  )
  .option("--commands <n>", "Commands in flight in each cell", positive, 200)
  .option("--json", "print one line of JSON for each cell")
  .option("--list", "print the cells, and what is left out and why")
  .exitOverride()
  .action(async (options: Options) => {
    if (options.list === true) {
      process.stdout.write(`${[...cells.map(({ name }) => name), ...leftOut].join("\n")}\n`);
      return;
    }
    const chosen = chosenCells(options.only);
    if (chosen.length === 0) program.error("No cell has such a name: see --list.", { exitCode: 2 });
    const results = await runCells(chosen, options);
    say("");
    if (options.json !== true) process.stdout.write(`${tableOf(results)}\n`);
    say(reachOf(results, chosen.length, options));
    if (results.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
  });

async function runCells(chosen: readonly Cell[], options: Options): Promise<readonly CellResult[]> {
  const { minutes, seed, begin, commands } = options;
  const overMs = performance.now() + (minutes ?? Infinity) * 60_000;
  const results: CellResult[] = [];
  let stack: FaultStack | undefined;
  try {
    for (let pass = 0; pass === 0 || minutes !== undefined; pass++) {
      const passSeed = pass === 0 ? seed : `${seed}.${pass}`;
      const first = pass === 0 ? begin - 1 : 0;
      for (const [i, cell] of [...seeded(passSeed).shuffled(chosen).entries()].slice(first)) {
        if (performance.now() > overMs) return results;
        stack ??= await freshStack();
        const no = results.length + 1;
        const at = `${i + 1}/${chosen.length}`;
        clearLogs(stack);
        if (options.json !== true) process.stderr.write(`${at} ${cell.name} …\r`);
        const result = await runCell(stack, cell, { seed: passSeed, commands, no });
        results.push(result);
        tell(result, at, options.json === true);
        if (result.violations.length === 0) continue;
        await keepEvidence(stack, `${cell.name.replaceAll("/", "_")}-${passSeed}`);
        // What is broken for good must not be held against the next cell.
        await stack.close();
        stack = undefined;
      }
    }
    return results;
  } catch (error) {
    say(`broken off: ${inspect(error)}`);
    if (stack !== undefined) await keepEvidence(stack, "broken-off");
    throw error;
  } finally {
    await stack?.close();
  }
}

async function freshStack(): Promise<FaultStack> {
  say("starting Temporal, PostgreSQL and Muster");
  const stack = new FaultStack();
  try {
    await stack.start();
    return stack;
  } catch (error) {
    await stack.close();
    throw error;
  }
}

function tell(result: CellResult, place: string, json: boolean): void {
  say(lineOf(result, place));
  for (const violation of result.violations) say(`    ${violation}`);
  if (result.violations.length > 0) say(`    again: ${replayOf(result)}`);
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
}

function logsOf(stack: FaultStack): string {
  return join(stack.home, "logs");
}

function clearLogs(stack: FaultStack): void {
  for (const name of readdirSync(logsOf(stack))) truncateSync(join(logsOf(stack), name));
}

/** Logs of all processes, and the histories of the agents' lifecycles. */
async function keepEvidence(stack: FaultStack, name: string): Promise<void> {
  const folder = join(evidenceFolder, name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(logsOf(stack), folder, { recursive: true });
  say(`    evidence: ${folder}`);
  for (const { workflowId, history } of await historiesOf(stack)) {
    const file = `${workflowId.replaceAll("/", "_")}.history.json`;
    writeFileSync(join(folder, file), JSON.stringify({ workflowId, history: asJson(history) }));
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("It must be a number above 0.");
}

function place(text: string): number {
  const value = positive(text);
  if (Number.isInteger(value)) return value;
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

function words(text: string): readonly string[] {
  return text.split(",").filter(Boolean);
}

// `npm run faults` holds the other end: when it is gone, nobody waits for a result, and the guard ends the processes.
process.on("disconnect", () => process.exit(1));
process.channel?.unref();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
