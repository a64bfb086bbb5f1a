/** What the process of a direct agent writes becomes lines of its gateway's log. */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Log } from "../../telemetry/log.ts";

/** A resource may write what it likes. */
const lineCharsMax = 8_192;
const levels: ReadonlyMap<unknown, "trace" | "debug" | "info" | "warn" | "error"> = new Map([
  [10, "trace"],
  [20, "debug"],
  [40, "warn"],
  [50, "error"],
  [60, "error"],
]);

/** @param log says whose lines they are. */
export function forwardLog(stream: Readable, log: Log): void {
  createInterface({ input: stream }).on("line", (line) => {
    const text = line.slice(0, lineCharsMax);
    const parsed = parse(text);
    if (parsed === undefined) {
      if (text.trim() !== "") log.info(text);
      return;
    }
    const { level, msg, ...fields } = parsed;
    // Its own time and process are beside the point.
    for (const own of ["time", "pid", "name"]) Reflect.deleteProperty(fields, own);
    log[levels.get(level) ?? "info"](fields, typeof msg === "string" ? msg : "");
  });
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const parsed = JSON.parse(line) as Record<string, unknown>;
    return typeof parsed["level"] === "number" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
