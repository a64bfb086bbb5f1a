/** A database of its own for a test file, with the schema, dropped after. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { openPool, type Pool } from "../../src/db/index.ts";
import { servers } from "./servers.ts";

export interface TestDatabase {
  /** As in DATABASE_URL. Known once the file's `beforeAll` hooks have run. */
  readonly url: string;
  /** A pool on it, closed by the helper. */
  readonly pool: Pool;
}

/**
 * Makes a fresh database before the tests of this file (or describe block) and drops it after them. Fails the file
 * when connections other than `pool`'s are still open then: somebody forgot to close a pool.
 */
export function useDatabase(): TestDatabase {
  let url: string | undefined;
  let pool: Pool | undefined;
  const name = `test_${process.pid}_${randomBytes(4).toString("hex")}`;

  beforeAll(async () => {
    const { postgresUrl, templateDatabase } = servers();
    await asSuperuser(`CREATE DATABASE ${name} TEMPLATE ${templateDatabase}`);
    const own = new URL(postgresUrl);
    own.pathname = `/${name}`;
    url = own.href;
    pool = openPool(url, { max: 5, applicationName: "test" });
  });
  afterAll(async () => {
    await pool?.end();
    const left = await openConnections(name);
    await asSuperuser(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    if (left.length > 0) {
      throw new Error(`Connections to the test's database were left open by: ${left.join(", ")}.`);
    }
  });
  return {
    get url() {
      return known(url);
    },
    get pool() {
      return known(pool);
    },
  };
}

/** A session needs a moment to go after its client has closed it, so a leak is what stays. */
async function openConnections(name: string): Promise<string[]> {
  const admin = openPool(servers().postgresUrl, { max: 1 });
  try {
    for (let attempt = 0; ; attempt++) {
      const { rows } = await admin.query<{ application_name: string }>(
        "SELECT application_name FROM pg_stat_activity WHERE datname = $1",
        [name],
      );
      if (rows.length === 0 || attempt === 20) return rows.map((row) => row.application_name);
      await admin.query("SELECT pg_sleep(0.1)");
    }
  } finally {
    await admin.end();
  }
}

async function asSuperuser(statement: string): Promise<void> {
  const admin = openPool(servers().postgresUrl, { max: 1, statementTimeoutMs: 60_000 });
  try {
    await admin.query(statement);
  } finally {
    await admin.end();
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("The database is there only once beforeAll has run.");
  return value;
}
