/** An embedded PostgreSQL as a child process, on 127.0.0.1 only, with a random password made at its first start. */
import { readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openPool } from "../db/pool.ts";
import { startChild, type Child, type PidNote } from "./child-process.ts";
import { LocalStackError } from "./errors.ts";
import { freePort, needFreePort } from "./ports.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { initialisePostgres } from "./postgres-init.ts";
import { postgresUser } from "./postgres-user.ts";

export interface PostgresServerOptions {
  /** Made at the first start, resumed after. */
  readonly dataDir: string;
  /** Holds the password, mode 0600; made with the data. */
  readonly passwordFile: string;
  readonly logFile: string;
  /** Any free one when absent. */
  readonly port?: number;
  /** More server settings, such as `fsync: "off"` for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly readyTimeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly note?: PidNote;
}

export interface PostgresServer extends Pick<Child, "pid" | "ended" | "endedWith" | "stop"> {
  /** With user and password, to the database `postgres`. */
  readonly url: string;
  readonly port: number;
}

/**
 * Starts the server, making its data first when there are none, and waits until it answers a query. After a crash
 * of everything it recovers by itself.
 * @throws LocalStackError POSTGRES_MISSING, PORT_BUSY, DATA_IN_USE, DATA_UNUSABLE, PROCESS_DIED with the log's last
 * lines, NOT_READY, ABORTED.
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const { dataDir, passwordFile, logFile } = options;
  const binaries = await findPostgresBinaries();
  const user = await postgresUser();
  const password = await initialisePostgres({ dataDir, passwordFile, binaries, user });
  await clearStaleLock(dataDir);
  const port = options.port || (await freePort());
  await needFreePort(port, "127.0.0.1", "PostgreSQL", "set DATABASE_URL to use it");
  const settings = {
    listen_addresses: "127.0.0.1",
    // No socket file in a shared folder: TCP with a password is the only way in.
    unix_socket_directories: "",
    max_connections: "200",
    ...options.settings,
  };
  const plain = {
    command: binaries.postgres,
    args: [
      ...["-D", dataDir, "-p", String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
  };
  const child = await startChild({
    ...(user === undefined ? plain : user.wrap(plain.command, plain.args)),
    logFile,
    // Fast shutdown: sessions are ended, what was committed is on disk.
    stopSignal: "SIGINT",
    stopGraceMs: 15_000,
    note: options.note,
  });
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  try {
    await untilServing(child, url, options);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { ...child, url, port };
}

/**
 * PostgreSQL takes its lock file for valid when any process has the number in it. After a crash of the machine or of a
 * container that may be anybody, so the file is deleted unless that process is a server on these very data.
 */
async function clearStaleLock(dataDir: string): Promise<void> {
  const lockFile = join(dataDir, "postmaster.pid");
  const pid = Number((await readFile(lockFile, "utf8").catch(() => "")).split("\n")[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  // Without /proc (macOS) PostgreSQL's own check has to do.
  if (process.platform !== "linux") return;
  const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  if (workingDir === dataDir) {
    throw new LocalStackError(
      "DATA_IN_USE",
      `Another PostgreSQL (process ${pid}) runs on ${dataDir}. Stop it first.`,
    );
  }
  await rm(lockFile, { force: true });
}

async function untilServing(
  child: Child,
  url: string,
  options: PostgresServerOptions,
): Promise<void> {
  const deadline = performance.now() + (options.readyTimeoutMs ?? 60_000);
  let lastError: unknown;
  while (performance.now() < deadline) {
    if (options.signal?.aborted === true) {
      throw new LocalStackError("ABORTED", "Stopped while PostgreSQL was starting.");
    }
    const ended = child.endedWith();
    if (ended !== undefined) {
      throw new LocalStackError(
        "PROCESS_DIED",
        `PostgreSQL ended with ${ended} while starting. The end of ${options.logFile}:\n${await child.logTail()}`,
      );
    }
    lastError = await tryQuery(url);
    if (lastError === undefined) return;
    if ((lastError as { code?: string }).code === "28P01") {
      throw new LocalStackError(
        "DATA_UNUSABLE",
        `The password in ${options.passwordFile} is not that of ${options.dataDir}. Put the right one back, or delete both to begin anew.`,
        { cause: lastError },
      );
    }
    await sleep(50);
  }
  throw new LocalStackError("NOT_READY", `PostgreSQL does not answer. See ${options.logFile}.`, {
    cause: lastError,
  });
}

async function tryQuery(url: string): Promise<unknown> {
  const pool = openPool(url, { max: 1, applicationName: "muster-start" });
  try {
    await pool.query("select 1");
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await pool.end();
  }
}
