/**
 * A small process beside the stack: when its parent is gone, however that came, it ends what the parent had started.
 * The parent holds the other end of its stdin, which the system closes even after a SIGKILL.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Guard {
  readonly pid: number | undefined;
  /** Lets it go without doing anything; resolves when it has ended. */
  readonly dismiss: () => Promise<void>;
}

/**
 * @param folder of the pid files (`notePid`) that it reads when its parent is gone.
 * @param leavings folder that it deletes after.
 */
export function startGuard(folder: string, leavings = folder): Guard {
  const isSource = import.meta.url.endsWith(".ts");
  const script = fileURLToPath(
    new URL(isSource ? "./guard-process.ts" : "./guard-process.js", import.meta.url),
  );
  const child = spawn(
    process.execPath,
    [...(isSource ? ["--import", "tsx"] : []), script, folder, leavings],
    { stdio: ["pipe", "ignore", "ignore"], detached: true },
  );
  const ended = Promise.race([once(child, "exit"), once(child, "error")]);
  child.stdin.on("error", () => undefined);
  child.unref();
  return {
    pid: child.pid,
    dismiss: async () => {
      child.ref();
      child.stdin.end("dismissed\n");
      await ended;
    },
  };
}
