/** One child process of the stack: its output goes to a file, its end is a promise, stopping it always ends it. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { createInterface } from "node:readline";
import { LocalStackError } from "./errors.ts";
import { notePid } from "./pid-files.ts";

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Both streams are appended to it. */
  readonly logFile: string;
  readonly cwd?: string;
  /** In full; the parent's environment when absent. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Signal that asks it to end. */
  readonly stopSignal?: NodeJS.Signals;
  /** Time between `stopSignal` and SIGKILL. */
  readonly stopGraceMs?: number;
  /** stdout is read line by line instead of logged. */
  readonly onLine?: (line: string) => void;
  readonly note?: PidNote | undefined;
}

/** Where a child is noted while it runs, so that it is ended even when its parent was killed (`guard.ts`). */
export interface PidNote {
  readonly pidsDir: string;
  readonly name: string;
  readonly layer: number;
}

export interface Child {
  readonly pid: number;
  /** Resolves, never rejects, when the process has ended, with words such as "exit code 1" or "SIGKILL". */
  readonly ended: Promise<string>;
  /** Undefined while it runs. */
  readonly endedWith: () => string | undefined;
  /** Asks it to end, insists after a while, and resolves when it is gone. May be called more than once. */
  readonly stop: () => Promise<void>;
  /** The last lines it wrote since it was started, for an error message. */
  readonly logTail: () => Promise<string>;
}

const logBytesMax = 10 * 1024 * 1024;

/**
 * Starts a child in a session of its own, so that Ctrl-C reaches the parent alone, which stops its children in order.
 * @throws LocalStackError PROCESS_DIED when the command can't be run at all.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const offset = rotate(options.logFile);
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["ignore", options.onLine === undefined ? log : "pipe", log],
    detached: true,
  });
  closeSync(log);
  if (child.stdout !== null && options.onLine !== undefined) {
    createInterface({ input: child.stdout }).on("line", options.onLine);
  }
  let endedWith: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => {
      endedWith = signal ?? `exit code ${String(code)}`;
      resolve(endedWith);
    });
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once("spawn", () => {
      resolve(child.pid ?? 0);
    });
    child.once("error", (error) => {
      reject(
        new LocalStackError("PROCESS_DIED", `${basename(options.command)}: ${error.message}.`, {
          cause: error,
        }),
      );
    });
  });
  if (options.note !== undefined) {
    const { pidsDir, name, layer } = options.note;
    const forget = notePid(pidsDir, name, pid, {
      layer,
      stopSignal: options.stopSignal ?? "SIGTERM",
    });
    void ended.then(forget);
  }
  const stop = async (): Promise<void> => {
    if (endedWith !== undefined) return;
    child.kill(options.stopSignal ?? "SIGTERM");
    const insist = setTimeout(() => child.kill("SIGKILL"), options.stopGraceMs ?? 10_000);
    await ended;
    clearTimeout(insist);
  };
  return {
    pid,
    ended,
    endedWith: () => endedWith,
    stop,
    logTail: () => tail(options.logFile, offset),
  };
}

/** Keeps one older file, so that logs never fill the disk. Returns where this run's lines begin. */
function rotate(logFile: string): number {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size < logBytesMax) return size;
  renameSync(logFile, `${logFile}.1`);
  return 0;
}

async function tail(logFile: string, offset: number): Promise<string> {
  const bytesMax = 8_192;
  const file = await open(logFile).catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const from = Math.max(offset, size - bytesMax);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, from);
    return buffer.subarray(0, bytesRead).toString().trim().split("\n").slice(-12).join("\n");
  } finally {
    await file.close();
  }
}
