#!/usr/bin/env node
import { loadConfig, type Config } from "../config/index.ts";
import { askAtTerminal } from "./ask-at-terminal.ts";
import type { CliContext } from "./context.ts";
import { exitCodes } from "./report-failure.ts";
import { runCli } from "./run-cli.ts";
import { onStopSignals } from "./stop-signals.ts";

/** What is still open when a command is done would keep the process; it gets this long to close. */
const lingerMs = 5_000;
/** Narrower terminals get lines that break. */
const widthMin = 60;

let config: Config | undefined;
let stopSignal: AbortSignal | undefined;
const context: CliContext = {
  env: process.env,
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  width: process.stdout.isTTY ? Math.max(process.stdout.columns, widthMin) : 120,
  terminal: process.stdout.isTTY,
  progressWidth: process.stderr.isTTY ? Math.max(process.stderr.columns, widthMin) : undefined,
  ask: process.stdin.isTTY && process.stderr.isTTY ? askAtTerminal : undefined,
  now: Date.now,
  config: () => (config ??= loadConfig(process.env)),
  stopSignal: () => (stopSignal ??= onStopSignals(process, () => performance.now())),
};

// The reader of `muster events | head` has gone: nobody is left to tell.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitCodes.done : exitCodes.failed);
});

process.exitCode = await runCli(process.argv.slice(2), context);
setTimeout(() => process.exit(), lingerMs).unref();
