import pg from "pg";

/** What every statement needs: a pool, or one client inside a transaction. */
export type Db = Pick<pg.Pool, "query">;
export type Pool = pg.Pool;

// bigint columns are counters below 2^53: numbers, not strings.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Runs statements in one transaction: all of them count, or none. */
export async function inTransaction<T>(pool: Pool, run: (db: Db) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await run(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    // The server takes back what a closed connection had begun.
    client.release(true);
    throw error;
  }
}

/**
 * Opens a pool on a Postgres URL. Statements give up after `statementTimeoutMs`, connecting after 5 s, so that
 * a database that hangs looks like one that is gone.
 */
export function openPool(
  databaseUrl: string,
  options: { max?: number; statementTimeoutMs?: number; applicationName?: string } = {},
): Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: options.max ?? 10,
    connectionTimeoutMillis: 5_000,
    query_timeout: options.statementTimeoutMs ?? 10_000,
    application_name: options.applicationName ?? "muster",
  });
  // An idle client that loses its server must not end the process; the next query opens a new one.
  pool.on("error", () => undefined);
  return pool;
}
