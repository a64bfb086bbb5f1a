import type { CliContext } from "./context.ts";
import { buildProgram } from "./program.ts";
import { exitCodes, reportFailure, type ExitCode } from "./report-failure.ts";

/** Carries out one command line, without `node` and the script's name, and gives its exit code. Never rejects. */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  try {
    await buildProgram(context).parseAsync(args, { from: "user" });
    return exitCodes.done;
  } catch (error) {
    return reportFailure(error, context);
  }
}
