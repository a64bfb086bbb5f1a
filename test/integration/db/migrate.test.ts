import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { DatabaseError, migrate, openPool, requireSchema } from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();
const log = pino({ level: "silent" });

/** Runs `body` against an empty database of its own. */
async function withEmptyDatabase(body: (url: string) => Promise<void>): Promise<void> {
  const { pool, url } = database;
  const name = `empty_${randomUUID().replaceAll("-", "")}`;
  await pool.query(`CREATE DATABASE ${name}`);
  try {
    const own = new URL(url);
    own.pathname = `/${name}`;
    await body(own.href);
  } finally {
    await pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
  }
}

async function withPool<T>(url: string, body: (pool: ReturnType<typeof openPool>) => Promise<T>) {
  const pool = openPool(url);
  try {
    return await body(pool);
  } finally {
    await pool.end();
  }
}

describe("migrate", () => {
  it("runs each migration once, though several processes start it together", async () => {
    await withEmptyDatabase(async (url) => {
      await withPool(url, (pool) =>
        expect(requireSchema(pool)).rejects.toMatchObject({ code: "OLDER_THAN_CODE" }),
      );
      const ran = await Promise.all(Array.from({ length: 4 }, () => migrate(url, log)));
      expect(ran.filter((names) => names.length > 0)).toHaveLength(1);
      expect(ran.flat()).toContain("0001_registry");
      expect(await migrate(url, log)).toEqual([]);
      await withPool(url, (pool) => requireSchema(pool));
    });
  });

  it("refuses a database that a newer release has migrated", async () => {
    await withEmptyDatabase(async (url) => {
      await migrate(url, log);
      await withPool(url, (pool) =>
        pool.query(
          "INSERT INTO muster_migrations (name, run_on) VALUES ('9999_from_the_future', now())",
        ),
      );
      const error = await migrate(url, log).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DatabaseError);
      expect(error).toMatchObject({ code: "NEWER_THAN_CODE" });
      expect(String(error)).toContain("9999_from_the_future");
      await withPool(url, (pool) => requireSchema(pool));
    });
  });

  it("names the database that it can't reach, without its password", async () => {
    const error: unknown = await migrate("postgres://me:hunter22@127.0.0.1:1/gone", log).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "UNREACHABLE" });
    expect(String(error)).toContain("127.0.0.1:1/gone");
    expect(String(error)).not.toContain("hunter22");
  });

  it("leaves nothing behind when a migration fails", async () => {
    await withEmptyDatabase(async (url) => {
      await withPool(url, async (pool) => {
        await pool.query("CREATE TABLE agents (id text)");
        await expect(migrate(url, log)).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
        const { rows } = await pool.query<{ zones: unknown }>(
          "SELECT to_regclass('zones') AS zones",
        );
        expect(rows[0]?.zones).toBeNull();
        await pool.query("DROP TABLE agents");
      });
      expect(await migrate(url, log)).toContain("0001_registry");
    });
  });
});
