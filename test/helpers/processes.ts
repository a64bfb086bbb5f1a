/** Muster's own processes in a test: started like a user would, waited for, killed by pid, never left behind. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { notePid } from "../../src/local/pid-files.ts";
import { servers } from "./servers.ts";

export interface MusterProcess {
  readonly pid: number;
  /** What the ready line said (`--json` is added to the arguments). */
  readonly ready: Record<string, unknown>;
  /** Log lines so far (stderr), to look at when a test fails. */
  readonly log: () => string;
  /** Lines printed so far (stdout). */
  readonly output: () => string;
  /** Sends a signal: SIGKILL, SIGSTOP, SIGCONT, … */
  readonly signal: (name: NodeJS.Signals) => void;
  /** Resolves with the exit code, or the signal's name, once it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** SIGTERM (or another), SIGKILL after 20 s; resolves when it is gone. */
  readonly stop: (name?: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
}

export interface MusterOptions {
  /** MUSTER_*, TEMPORAL_* and DATABASE_URL of the test's own environment are not passed on, only what stands here. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly readyTimeoutMs?: number;
}

const running = new Set<ChildProcess>();
afterAll(async () => {
  await Promise.all([...running].map((child) => end(child)));
});

/** `muster <args> --json`, once it has printed its ready line. Ended after the file's tests, whatever happens. */
export async function startMuster(
  args: readonly string[],
  options: MusterOptions = {},
): Promise<MusterProcess> {
  const { child, log, output } = launch([...args, "--json"], options);
  const ended = exitOf(child);
  const lines = createInterface({ input: child.stdout });
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    const fail = (why: string) => {
      reject(new Error(`muster ${args.join(" ")} ${why}. Its log:\n${log().slice(-4_000)}`));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail("was not ready in time");
    }, options.readyTimeoutMs ?? 60_000);
    void ended.then((code) => {
      clearTimeout(timer);
      fail(`ended with ${code} before it was ready`);
    });
    lines.on("line", (line) => {
      if (!line.startsWith('{"ready":true')) return;
      clearTimeout(timer);
      resolve(JSON.parse(line) as Record<string, unknown>);
    });
  });
  return {
    pid: child.pid ?? 0,
    ready,
    log,
    output,
    ended,
    signal: (name) => {
      child.kill(name);
    },
    stop: async (name = "SIGTERM") => {
      await end(child, name);
      return await ended;
    },
  };
}

/** Runs a `muster` command that ends by itself. Nothing is added to the arguments. */
export async function runMuster(
  args: readonly string[],
  options: MusterOptions = {},
): Promise<{ code: number | NodeJS.Signals; stdout: string; stderr: string }> {
  const { child, log, output } = launch(args, options);
  const timer = setTimeout(() => child.kill("SIGKILL"), options.readyTimeoutMs ?? 60_000);
  await once(child, "close");
  clearTimeout(timer);
  return { code: child.exitCode ?? child.signalCode ?? "SIGKILL", stdout: output(), stderr: log() };
}

function launch(args: readonly string[], options: MusterOptions) {
  const { cli, runDir } = servers();
  const child = spawn(cli[0] ?? process.execPath, [...cli.slice(1), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd,
    env: { ...foreignEnv(), ...options.env },
  });
  running.add(child);
  // Should this test process be killed, the run's guard still ends it.
  const forget =
    child.pid === undefined ? undefined : notePid(join(runDir, "pids"), args[0] ?? "", child.pid);
  child.once("exit", () => {
    running.delete(child);
    forget?.();
  });
  let stderr = "";
  let stdout = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  return { child, log: () => stderr, output: () => stdout };
}

function foreignEnv(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(MUSTER_|TEMPORAL_|DATABASE_URL$|LOG_LEVEL$|VITEST|NODE_OPTIONS$)/.test(name),
    ),
  );
}

function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      resolve(code ?? signal ?? "SIGKILL");
    });
  });
}

async function end(child: ChildProcess, name: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(name);
  // A stopped process takes no SIGTERM.
  child.kill("SIGCONT");
  const insist = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(insist);
}
