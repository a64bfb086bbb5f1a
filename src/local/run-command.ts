import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** How a short command ended. `failure` is undefined when it did what was asked. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly failure: Error | undefined;
  /** The command itself does not exist. */
  readonly missing: boolean;
}

/** Runs a command that ends by itself, without a shell and without stdin. Never throws. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { timeoutMs: number; signal?: AbortSignal | undefined; cwd?: string },
): Promise<CommandResult> {
  const running = execFileAsync(command, args, {
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: 16 * 1024 * 1024,
    ...(options.signal && { signal: options.signal }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  running.child.stdin?.end();
  try {
    const { stdout, stderr } = await running;
    return { stdout, stderr, failure: undefined, missing: false };
  } catch (error) {
    const failure = error as Error & { stdout?: string; stderr?: string; code?: unknown };
    return {
      stdout: failure.stdout ?? "",
      stderr: failure.stderr ?? "",
      failure,
      missing: failure.code === "ENOENT",
    };
  }
}
