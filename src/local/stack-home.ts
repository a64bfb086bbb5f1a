/** MUSTER_HOME of the embedded stack: its folders, its lock, its secrets. */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LocalStackError } from "./errors.ts";
import { endNoted } from "./pid-files.ts";
import { processIdentity } from "./process-identity.ts";

/** Paths in MUSTER_HOME. */
export interface StackHome {
  readonly home: string;
  readonly secretsDir: string;
  readonly logsDir: string;
  /** Holds the lock and the pid files of the stack that runs now. */
  readonly runDir: string;
  readonly temporalFile: string;
  readonly postgresDir: string;
  readonly postgresPasswordFile: string;
  readonly portsFile: string;
}

const freeBytesMin = 200 * 1024 * 1024;

/**
 * Makes the folders, readable by their owner alone.
 * @throws LocalStackError HOME_UNUSABLE when they can't be made or the disk is full.
 */
export function openHome(home: string): StackHome {
  const paths: StackHome = {
    home,
    secretsDir: join(home, "secrets"),
    logsDir: join(home, "logs"),
    runDir: join(home, "run"),
    temporalFile: join(home, "temporal.db"),
    postgresDir: join(home, "postgres"),
    postgresPasswordFile: join(home, "secrets", "postgres-password"),
    portsFile: join(home, "ports.json"),
  };
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    chmodSync(home, 0o700);
    for (const folder of [paths.secretsDir, paths.logsDir, paths.runDir]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LocalStackError(
      "HOME_UNUSABLE",
      `${home} can't be used: ${why}. Set MUSTER_HOME to a folder that you may write to.`,
      { cause: error },
    );
  }
  const { bavail, bsize } = statfsSync(home);
  if (bavail * bsize < freeBytesMin) {
    throw new LocalStackError(
      "HOME_UNUSABLE",
      `The disk of ${home} has less than 200 MB free. Make room, or set MUSTER_HOME to another disk.`,
    );
  }
  return paths;
}

/**
 * Takes the home for this process; gives the function that lets go of it. A lock whose process is gone counts for
 * nothing.
 * @throws LocalStackError HOME_IN_USE.
 */
export function lockHome({ home, runDir }: StackHome): () => void {
  const lock = join(runDir, "lock");
  const own = join(runDir, `lock.${process.pid}`);
  const identity = processIdentity(process.pid) ?? "";
  writeFileSync(own, JSON.stringify({ pid: process.pid, identity }), { mode: 0o600 });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        linkSync(own, lock);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readHolder(lock);
      if (holder !== undefined && processIdentity(holder.pid) === holder.identity) {
        throw inUse(home, holder.pid);
      }
      if (attempt === 5) throw inUse(home, holder?.pid);
      const stale = join(runDir, `lock.stale.${process.pid}`);
      try {
        renameSync(lock, stale);
        rmSync(stale, { force: true });
      } catch {
        // Another start was quicker with the stale lock; the next round sees its own.
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    rmSync(lock, { force: true });
  };
}

/** Ends what an earlier stack on this home left running, and only that; gives the names. Call with the lock held. */
export async function endLeftovers({ runDir }: StackHome): Promise<string[]> {
  const names: string[] = [];
  for (const entry of readdirSync(runDir, { withFileTypes: true })) {
    if (entry.isDirectory()) names.push(...(await endNoted(join(runDir, entry.name), 5_000)));
  }
  return names;
}

/** A secret of the stack: read, or made at the first start; mode 0600. A given one is kept for the CLI to find. */
export function keepSecret({ secretsDir }: StackHome, name: string, given?: string): string {
  const file = join(secretsDir, name);
  const kept = readText(file);
  const secret = given ?? (kept === "" ? randomBytes(32).toString("base64url") : kept);
  if (secret !== kept) {
    writeFileSync(`${file}.new`, `${secret}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return secret;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

function readHolder(lock: string): { pid: number; identity: string } | undefined {
  try {
    return JSON.parse(readFileSync(lock, "utf8")) as { pid: number; identity: string };
  } catch {
    return undefined;
  }
}

function inUse(home: string, pid: number | undefined): LocalStackError {
  return new LocalStackError(
    "HOME_IN_USE",
    `Muster runs already on ${home}${pid === undefined ? "" : ` (process ${pid})`}. ` +
      "Stop it first, or set MUSTER_HOME to another folder (and MUSTER_AGENT_PORT, MUSTER_API_PORT, MUSTER_WORKER_PORT).",
  );
}
