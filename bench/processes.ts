/** Child processes of a bench: started, waited for, and always stopped by their own handle. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { notePid } from "../src/local/pid-files.ts";

/** Where children leave their CPU profiles, and where they are noted for a guard; undefined: nowhere. */
let profiles: string | undefined;
let pids: string | undefined;

/** From now on each child writes a CPU profile into that folder when it ends, for `npm run bench -- … --profile`. */
export function profileInto(folder: string): void {
  profiles = folder;
}

/** From now on each child is noted in that folder while it runs, for a guard (`src/local/guard.ts`). */
export function noteChildrenIn(folder: string): void {
  pids = folder;
}

export interface Child {
  readonly process: ChildProcess;
  /** First line that it printed: it is ready. */
  readonly readyLine: string;
  /** Calls back for each line after that. */
  onLine(callback: (line: string) => void): void;
  /** Ends it at once, as nothing of a bench is kept; one that has to write its profile gets SIGTERM and 60 s. */
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
  if (pids !== undefined && child.pid !== undefined) {
    void ended.then(notePid(pids, basename(path), child.pid, { layer: 1, stopSignal: "SIGKILL" }));
  }
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
      child.kill(profiles === undefined ? "SIGKILL" : "SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
