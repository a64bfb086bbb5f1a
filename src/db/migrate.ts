/** The schema: plain SQL files in `migrations/`, applied in the order of their names, each once. */
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";
import type { Log } from "../telemetry/log.ts";
import { DatabaseError } from "./errors.ts";
import type { Db } from "./pool.ts";

const folder = fileURLToPath(new URL("./migrations/", import.meta.url));
const table = "muster_migrations";
/** Any number, but Muster's own: processes that migrate the same database queue up behind it. */
const lockId = 825_082_518_252;

/**
 * Brings a database to this code's schema; gives the names of the migrations it ran, none when all was done.
 * Several processes may call it at once: one works, the others wait.
 * @throws DatabaseError UNREACHABLE, NEWER_THAN_CODE, MIGRATION_FAILED.
 */
export async function migrate(databaseUrl: string, log: Log): Promise<string[]> {
  const client = await connect(databaseUrl);
  try {
    await client.query(`SELECT pg_advisory_lock(${lockId})`);
    refuseNewer(await appliedMigrations(client), await ownMigrations());
    const done = await runner({
      dbClient: client,
      dir: folder,
      migrationsTable: table,
      direction: "up",
      noLock: true,
      logger: {
        debug: () => undefined,
        info: (text: string) => {
          log.debug(text);
        },
        warn: (text: string) => {
          log.warn(text);
        },
        error: (text: string) => {
          log.error(text);
        },
      },
    });
    await restampEvents(client);
    return done.map((migration) => migration.name);
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(
      "MIGRATION_FAILED",
      `A migration of ${nameOf(databaseUrl)} failed and was rolled back: ${message}. ` +
        "Does the user own the schema? Correct that and run it again.",
      { cause: error },
    );
  } finally {
    // The advisory lock goes with the connection.
    await client.end();
  }
}

/**
 * Checks that a database has this code's schema, for processes that use it and do not change it. A newer schema
 * passes: migrations only add while an older release is still running.
 * @throws DatabaseError OLDER_THAN_CODE naming what is missing. Errors of the query itself pass through.
 */
export async function requireSchema(db: Db): Promise<void> {
  const applied = await appliedMigrations(db);
  const missing = (await ownMigrations()).filter((name) => !applied.includes(name));
  if (missing.length === 0) return;
  throw new DatabaseError(
    "OLDER_THAN_CODE",
    `The database lacks the migrations ${missing.join(", ")}: run \`muster setup\`.`,
  );
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    application_name: "muster setup",
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    const message = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(
      "UNREACHABLE",
      `Postgres at ${nameOf(databaseUrl)} is not reachable: ${message || "no answer"}. Start it, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

async function ownMigrations(): Promise<string[]> {
  const files = await readdir(folder);
  return files.filter((file) => file.endsWith(".sql")).map((file) => file.replace(/\.sql$/, ""));
}

async function appliedMigrations(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ present: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AS present`,
    [table],
  );
  if (rows[0]?.present !== true) return [];
  const applied = await db.query<{ name: string }>(`SELECT name FROM ${table}`);
  return applied.rows.map((row) => row.name);
}

function refuseNewer(applied: readonly string[], own: readonly string[]): void {
  const unknown = applied.filter((name) => !own.includes(name));
  if (unknown.length === 0) return;
  throw new DatabaseError(
    "NEWER_THAN_CODE",
    `The database has migrations that this release does not know: ${unknown.join(", ")}. ` +
      "A newer Muster was here: run that release, or give this one a database of its own.",
  );
}

/**
 * Events are read in the order of the transactions that wrote them. A logical backup restored into another server
 * brings transaction numbers that this server has yet to reach; they are all older than anything it will write.
 */
async function restampEvents(db: Db): Promise<void> {
  await db.query(
    `UPDATE events SET tx = '0'
      WHERE (SELECT max(tx) FROM events) >= pg_snapshot_xmax(pg_current_snapshot())`,
  );
}

/** The database without its password, for messages. */
function nameOf(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return "DATABASE_URL";
  const { host, pathname } = new URL(databaseUrl);
  return `${host}${pathname}`;
}
