/** Which processes were started and must not outlive us: one small file each, in a folder of their own. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processIdentity } from "./process-identity.ts";

interface PidFile {
  readonly name: string;
  readonly pid: number;
  /** From `processIdentity`: a number alone proves nothing. */
  readonly identity: string;
  /** Those with a higher one are ended first. */
  readonly layer: number;
  readonly stopSignal: NodeJS.Signals;
}

/** Notes a process that was just started; gives the function that takes the note back. */
export function notePid(
  folder: string,
  name: string,
  pid: number,
  options: { layer?: number; stopSignal?: NodeJS.Signals } = {},
): () => void {
  const identity = processIdentity(pid);
  if (identity === undefined) return () => undefined;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${pid}.json`);
  const { layer = 0, stopSignal = "SIGTERM" } = options;
  const note: PidFile = { name, pid, identity, layer, stopSignal };
  writeFileSync(`${file}.new`, JSON.stringify(note));
  renameSync(`${file}.new`, file);
  return () => {
    rmSync(file, { force: true });
  };
}

/**
 * Ends every noted process that is still the one that was noted, layer by layer: first asked, after `graceMs` for
 * each layer killed. Gives the names of those it ended, and forgets all.
 */
export async function endNoted(folder: string, graceMs: number): Promise<string[]> {
  const alive = readNotes(folder).filter(isAlive);
  const layers = [...new Set(alive.map((note) => note.layer))].sort((a, b) => b - a);
  for (const layer of layers) {
    const notes = alive.filter((note) => note.layer === layer);
    for (const note of notes) send(note, note.stopSignal);
    await untilGone(notes, graceMs);
    for (const note of notes) send(note, "SIGKILL");
    await untilGone(notes, 5_000);
  }
  rmSync(folder, { recursive: true, force: true });
  return alive.map((note) => note.name);
}

async function untilGone(notes: readonly PidFile[], timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (notes.some(isAlive) && performance.now() < deadline) await sleep(50);
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
    // A stopped process would take no signal but SIGKILL.
    if (signal !== "SIGKILL") process.kill(note.pid, "SIGCONT");
  } catch {
    // Gone in the meantime.
  }
}
