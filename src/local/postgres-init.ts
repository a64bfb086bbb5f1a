/** Makes the data folder of the embedded PostgreSQL, whole or not at all. */
import { randomBytes } from "node:crypto";
import { chown, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LocalStackError } from "./errors.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { PostgresUser } from "./postgres-user.ts";
import { runCommand } from "./run-command.ts";

interface InitOptions {
  readonly dataDir: string;
  readonly passwordFile: string;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser | undefined;
}

/**
 * The superuser's password; made, with the data, when there are no data yet. The folder is filled under another name
 * and renamed, so that a crash in the middle leaves nothing half made.
 * @throws LocalStackError DATA_UNUSABLE.
 */
export async function initialisePostgres(options: InitOptions): Promise<string> {
  const { dataDir, passwordFile } = options;
  const known = (await readFile(passwordFile, "utf8").catch(() => "")).trim();
  if (await exists(join(dataDir, "PG_VERSION"))) {
    if (known !== "") return known;
    throw new LocalStackError(
      "DATA_UNUSABLE",
      `${dataDir} holds data, but its password is gone from ${passwordFile}. Put it back, or delete ${dataDir} to begin anew.`,
    );
  }
  const password = randomBytes(24).toString("base64url");
  await mkdir(dirname(dataDir), { recursive: true });
  await mkdir(dirname(passwordFile), { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(dirname(dataDir), "making-postgres-"));
  try {
    await runInitdb(options, folder, password);
    // The password first: data without it would be locked for ever.
    await writeFile(`${passwordFile}.new`, `${password}\n`, { mode: 0o600 });
    await rename(`${passwordFile}.new`, passwordFile);
    await rename(join(folder, "data"), dataDir);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return password;
}

async function runInitdb(options: InitOptions, folder: string, password: string): Promise<void> {
  const { binaries, user } = options;
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const args = [
    ...["-D", join(folder, "data"), "--username=postgres", `--pwfile=${passwordFile}`],
    ...["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"],
  ];
  const run = user?.wrap(binaries.initdb, args) ?? { command: binaries.initdb, args };
  const { failure, stdout, stderr } = await runCommand(run.command, run.args, {
    timeoutMs: 120_000,
  });
  if (failure === undefined) return;
  throw new LocalStackError(
    "DATA_UNUSABLE",
    `PostgreSQL can't make its data in ${dirname(folder)}: ${(stderr || stdout || failure.message).trim()}`,
    { cause: failure },
  );
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
