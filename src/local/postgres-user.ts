/** PostgreSQL refuses to run as root, so a Muster started by root runs it as somebody else. */
import { readFile } from "node:fs/promises";
import { runCommand } from "./run-command.ts";

/** Who runs PostgreSQL when we are root, and the command line that does it. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
  /** Turns a command line into one that runs as this user, in the same process (no fork in between). */
  readonly wrap: (command: string, args: readonly string[]) => { command: string; args: string[] };
}

/**
 * The user `postgres` where there is one, else `nobody`: no account is made on the machine for a local stack.
 * Undefined when we are not root and PostgreSQL can run as ourselves.
 *
 * Home and package may lie in folders that only root may enter (`/root`, mode 0700), so the process keeps the one
 * capability that lets it pass them. What it serves is its own data folder all the same.
 */
export async function postgresUser(): Promise<PostgresUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = (await passwdEntry("postgres")) ??
    (await passwdEntry("nobody")) ?? { uid: 65_534, gid: 65_534 };
  const switches = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  const passFolders = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  const withCapability = [...switches, ...passFolders];
  const trial = await runCommand("setpriv", [...withCapability, "true"], { timeoutMs: 10_000 });
  const used = trial.failure === undefined ? withCapability : switches;
  return {
    uid,
    gid,
    wrap: (command, args) => ({ command: "setpriv", args: [...used, "--", command, ...args] }),
  };
}

async function passwdEntry(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const text = await readFile("/etc/passwd", "utf8").catch(() => "");
  const fields = text
    .split("\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.split(":");
  if (fields === undefined) return undefined;
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}
