/** Child processes of a bench: started, waited for, and always stopped by their own handle. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Where children that run with Node leave their CPU profiles; undefined: nowhere. */
let profiles: string | undefined;

/** From now on each child writes a CPU profile into that folder when it ends, for `npm run bench -- … --profile`. */
export function profileInto(folder: string): void {
  profiles = folder;
}

export interface Child {
  readonly process: ChildProcess;
  /** First line that it printed: it is ready. */
  readonly readyLine: string;
  /** Calls back for each line after that. */
  onLine(callback: (line: string) => void): void;
  /** Ends it with SIGTERM, after 20 s with SIGKILL. */
  stop(): Promise<void>;
}

/** Runs a file of ours with Node and waits for its first line. `.ts` files run through tsx. */
export async function startNode(
  file: URL,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const path = fileURLToPath(file);
  const loader = path.endsWith(".ts") ? ["--import", "tsx"] : [];
  const profiler = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
  const child = spawn(process.execPath, [...profiler, ...loader, path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, "line").then(([line]) => String(line)),
    ended.then(([code]) => {
      throw new Error(`${path} ended with ${String(code)} before it was ready.`);
    }),
  ]);
  return {
    process: child,
    readyLine: first,
    onLine: (callback) => void lines.on("line", callback),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
