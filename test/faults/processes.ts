/** Processes that are broken on purpose: killed, stopped, started again in their old place. */
import { execFileSync } from "node:child_process";
import { startChild, type Child } from "../../src/local/child-process.ts";
import { cliCommand } from "../helpers/cli-command.ts";

/** Something that can be broken and made whole again. */
export interface Breakable {
  readonly name: string;
  /** Process ids: its own and its children's. */
  readonly pids: () => readonly number[];
  /** With words such as "exit code 1" when it has ended. */
  readonly endedWith: () => string | undefined;
  readonly signal: (name: NodeJS.Signals) => void;
  /** SIGTERM, and waits for the end. */
  readonly stop: () => Promise<void>;
  /** Waits for the end of what was killed, then starts it in its old place. */
  readonly start: () => Promise<void>;
}

/** @param start starts it; called again for each life. */
export async function breakable(
  name: string,
  start: () => Promise<Pick<Child, "pid" | "ended" | "endedWith" | "stop">>,
): Promise<Breakable> {
  let child = await start();
  const pids = () => [child.pid, ...childrenOf(child.pid)];
  return {
    name,
    pids,
    endedWith: () => child.endedWith(),
    signal: (signal) => {
      for (const pid of pids()) {
        try {
          process.kill(pid, signal);
        } catch {
          // Gone in the meantime.
        }
      }
    },
    stop: () => child.stop(),
    start: async () => {
      await child.ended;
      child = await start();
    },
  };
}

/** PostgreSQL's servers are sessions of their own, so a signal to a group would miss them. */
function childrenOf(parent: number): readonly number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid, ...childrenOf(pid)] : []));
}

/** `muster <args> --json`, from the build when it is fresh, once it has printed its ready line. */
export async function startMusterChild(options: {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly pidsDir: string;
  /** False: it may go on getting ready. */
  readonly untilReady: boolean;
}): Promise<Child> {
  const { args, env, logFile, pidsDir } = options;
  let onReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  const [command = process.execPath, ...before] = cliCommand();
  const child = await startChild({
    command,
    args: [...before, ...args, "--json"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
    logFile,
    stopGraceMs: 30_000,
    note: { pidsDir, name: args[0] ?? "", layer: 1 },
    onLine: (line) => {
      if (line.startsWith('{"ready":true')) onReady();
    },
  });
  if (!options.untilReady) return child;
  const died = child.ended.then(async (how) => {
    throw new Error(`muster ${args.join(" ")} ended with ${how}:\n${await child.logTail()}`);
  });
  await Promise.race([ready, died]);
  return child;
}
