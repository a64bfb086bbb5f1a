/** Muster's own processes in a test: started like a user would, waited for, killed by pid, never left behind. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
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
  const what = `muster ${args.join(" ")}`;
  const launched = launchMuster([...args, "--json"], options);
  const line = await readyLine(what, launched, options, (text) => text.startsWith('{"ready":true'));
  return { ...processOf(launched), ready: JSON.parse(line) as Record<string, unknown> };
}

/** A program of a user's own, once it has printed the line `ready`. Ended after the file's tests, too. */
export async function startProgram(
  command: readonly string[],
  options: MusterOptions = {},
): Promise<Omit<MusterProcess, "ready">> {
  const launched = launch(command, command[1] ?? "program", options);
  await readyLine(command.join(" "), launched, options, (text) => text === "ready");
  return processOf(launched);
}

interface Launched {
  readonly child: ChildProcess & { readonly stdout: Readable };
  readonly log: () => string;
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals>;
}

async function readyLine(
  what: string,
  { child, log, ended }: Launched,
  options: MusterOptions,
  isReady: (line: string) => boolean,
): Promise<string> {
  const lines = createInterface({ input: child.stdout });
  return await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => {
      reject(new Error(`${what} ${why}. Its log:\n${log().slice(-4_000)}`));
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
      if (!isReady(line)) return;
      clearTimeout(timer);
      resolve(line);
    });
  });
}

function processOf({ child, log, output, ended }: Launched): Omit<MusterProcess, "ready"> {
  return {
    pid: child.pid ?? 0,
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
  const { child, log, output } = launchMuster(args, options);
  const timer = setTimeout(() => child.kill("SIGKILL"), options.readyTimeoutMs ?? 60_000);
  await once(child, "close");
  clearTimeout(timer);
  return { code: child.exitCode ?? child.signalCode ?? "SIGKILL", stdout: output(), stderr: log() };
}

function launchMuster(args: readonly string[], options: MusterOptions): Launched {
  return launch([...servers().cli, ...args], args[0] ?? "", options);
}

function launch(command: readonly string[], name: string, options: MusterOptions): Launched {
  const child = spawn(command[0] ?? process.execPath, command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd,
    env: { ...foreignEnv(), ...options.env },
  });
  running.add(child);
  // Should this test process be killed, the run's guard still ends it.
  const forget =
    child.pid === undefined ? undefined : notePid(join(servers().runDir, "pids"), name, child.pid);
  child.once("exit", () => {
    running.delete(child);
    forget?.();
  });
  let stderr = "";
  let stdout = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  return { child, log: () => stderr, output: () => stdout, ended: exitOf(child) };
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
