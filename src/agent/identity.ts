/**
 * The secret by which an agent proves who it is: 32 random bytes, made here before the first connect, so that no crash
 * can leave the manager with a secret that the agent does not have.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, readFileSync, statSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Log } from "../telemetry/log.ts";
import { secretCharsMin } from "../wire/limits.ts";
import { syncDirectory } from "./disk.ts";
import { AgentHomeError } from "./errors.ts";
import { writingHome } from "./home.ts";

/**
 * Reads the secret, or makes it and has it on disk.
 * @throws AgentHomeError IDENTITY_UNREADABLE, HOME_UNWRITABLE.
 */
export async function loadOrMakeSecret(path: string, log: Log): Promise<string> {
  return readSecret(path, log) ?? (await writingHome(path, () => makeSecret(path, log)));
}

function readSecret(path: string, log: Log): string | undefined {
  let secret: string;
  try {
    secret = readFileSync(path, "utf8").trim();
    if ((statSync(path).mode & 0o077) !== 0) {
      chmodSync(path, 0o600);
      log.warn({ path }, "others could read the agent's secret; its mode is 0600 now");
    }
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new AgentHomeError("IDENTITY_UNREADABLE", `${path} can't be read. Make it readable.`, {
      cause,
    });
  }
  if (secret.length < secretCharsMin) {
    throw new AgentHomeError(
      "IDENTITY_UNREADABLE",
      `${path} does not hold a secret. Put it back from a backup, or remove the agent from the manager and delete the file.`,
    );
  }
  return secret;
}

async function makeSecret(path: string, log: Log): Promise<string> {
  const secret = randomBytes(32).toString("base64url");
  const fresh = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    const file = await open(fresh, "w", 0o600);
    try {
      await file.writeFile(`${secret}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // Fails when another process was first: then that one's secret counts.
    linkSync(fresh, path);
  } catch (cause) {
    const existing = readSecret(path, log);
    if (existing === undefined) throw cause;
    return existing;
  } finally {
    rmSync(fresh, { force: true });
  }
  await syncDirectory(dirname(path));
  return secret;
}
