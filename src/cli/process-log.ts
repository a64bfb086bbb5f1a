import type { CliContext } from "./context.ts";
import type { Log } from "../telemetry/log.ts";

/** The log of a long-running process, on stderr. Loaded when asked for: the operators' verbs do without. */
export async function processLog(context: CliContext, name: string, level?: string): Promise<Log> {
  const { createLog } = await import("../telemetry/log.ts");
  return createLog(name, level ?? context.config().logLevel);
}
