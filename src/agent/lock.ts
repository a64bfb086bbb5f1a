/**
 * One container for each agent directory, by a file that names its process. A file whose process is gone, or whose
 * number belongs to another process by now, is stale and taken over.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { AgentHomeError } from "./errors.ts";

interface Owner {
  readonly pid: number;
  /** When the process started, as the kernel counts; empty where that can't be known. */
  readonly startedAt: string;
}

/**
 * Takes the lock; gives the function that lets go of it.
 * @throws AgentHomeError AGENT_RUNNING when a living process holds it.
 */
export function takeLock(path: string): () => void {
  const own: Owner = { pid: process.pid, startedAt: startOf(process.pid) };
  const text = JSON.stringify(own);
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, text, { mode: 0o600 });
    for (let tries = 0; !tryLink(fresh, path); tries++) {
      const owner = read(path);
      if (owner !== undefined && isAlive(owner)) throw running(path, owner);
      if (tries >= 10) throw running(path, owner);
      if (owner !== undefined) moveAside(path, owner);
    }
  } finally {
    rmSync(fresh, { force: true });
  }
  return () => {
    if (read(path)?.pid === own.pid) rmSync(path, { force: true });
  };
}

function running(path: string, owner: Owner | undefined): AgentHomeError {
  return new AgentHomeError(
    "AGENT_RUNNING",
    `Another container (process ${owner?.pid ?? "unknown"}) runs this agent, says ${path}. Stop it first, or give this one another id.`,
  );
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a stale lock, but not one that somebody took in between. */
function moveAside(path: string, stale: Owner): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = read(aside);
  if (moved !== undefined && moved.pid !== stale.pid && isAlive(moved)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function read(path: string): Owner | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    const { pid, startedAt } = JSON.parse(text) as Partial<Owner>;
    if (typeof pid === "number") return { pid, startedAt: startedAt ?? "" };
  } catch {
    // Unreadable: nobody's.
  }
  return { pid: 0, startedAt: "" };
}

function isAlive({ pid, startedAt }: Owner): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  const now = startOf(pid);
  return startedAt === "" || now === "" || now === startedAt;
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/<pid>/stat, proc(5)). */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
