/** Which processes were started and must not outlive us: one small file each, in a folder of their own. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processIdentity } from "./process-identity.ts";

interface PidFile {
  readonly name: string;
  readonly pid: number;
  readonly identity: string;
}

/** Notes a process that was just started; gives the function that takes the note back. */
export function notePid(folder: string, name: string, pid: number): () => void {
  const identity = processIdentity(pid);
  if (identity === undefined) return () => undefined;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${pid}.json`);
  const note: PidFile = { name, pid, identity };
  writeFileSync(`${file}.new`, JSON.stringify(note));
  renameSync(`${file}.new`, file);
  return () => {
    rmSync(file, { force: true });
  };
}

/**
 * Ends every noted process that is still the one that was noted: SIGTERM, then SIGKILL after `graceMs`. Gives the
 * names of those it ended, and forgets all.
 */
export async function endNoted(folder: string, graceMs: number): Promise<string[]> {
  const alive = readNotes(folder).filter(isAlive);
  for (const note of alive) send(note, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (alive.some(isAlive) && performance.now() < deadline) await sleep(50);
  for (const note of alive) send(note, "SIGKILL");
  const killedBy = performance.now() + 5_000;
  while (alive.some(isAlive) && performance.now() < killedBy) await sleep(20);
  rmSync(folder, { recursive: true, force: true });
  return alive.map((note) => note.name);
}

function readNotes(folder: string): PidFile[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => {
        try {
          return [JSON.parse(readFileSync(join(folder, name), "utf8")) as PidFile];
        } catch {
          return [];
        }
      });
  } catch {
    return [];
  }
}

function isAlive(note: PidFile): boolean {
  return processIdentity(note.pid) === note.identity;
}

function send(note: PidFile, signal: NodeJS.Signals): void {
  if (!isAlive(note)) return;
  try {
    process.kill(note.pid, signal);
  } catch {
    // Gone in the meantime.
  }
}
