import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPool } from "../../../src/db/index.ts";
import { isPortFree } from "../../../src/local/ports.ts";
import { startPostgresServer, type PostgresServer } from "../../../src/local/postgres-server.ts";
import { processIdentity } from "../../../src/local/process-identity.ts";
import { servers } from "../../helpers/servers.ts";

let folder: string;
const running: PostgresServer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-postgres-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  rmSync(folder, { recursive: true });
});

describe("embedded PostgreSQL", () => {
  test("first start - makes data and a password that only its owner can read", async () => {
    const server = await start();
    const password = readFileSync(passwordFile(), "utf8").trim();
    expect(password.length).toBeGreaterThanOrEqual(32);
    expect(statSync(passwordFile()).mode & 0o777).toBe(0o600);
    expect(new URL(server.url).password).toBe(password);
    const wrong = new URL(server.url);
    wrong.password = "postgres";
    await expect(query(wrong.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
  });

  test("stop and start - keeps the data and leaves no process or port", async () => {
    const first = await start();
    await query(first.url, "create table kept as select 42 as n");
    await first.stop();
    expect(processIdentity(first.pid)).toBeUndefined();
    expect(await isPortFree(first.port)).toBe(true);
    const second = await start({ port: first.port });
    expect(await query(second.url, "select n from kept")).toEqual([{ n: 42 }]);
    expect(second.url).toBe(first.url);
  });

  test("SIGKILL - recovers everything that was committed", async () => {
    const first = await start();
    await query(first.url, "create table kept as select 42 as n");
    process.kill(first.pid, "SIGKILL");
    expect(await first.ended).toBe("SIGKILL");
    const second = await start();
    expect(await query(second.url, "select n from kept")).toEqual([{ n: 42 }]);
  });

  test("a lock file that names a stranger's process - is taken for stale", async () => {
    const first = await start();
    process.kill(first.pid, "SIGKILL");
    await first.ended;
    const lockFile = join(folder, "data", "postmaster.pid");
    const lines = readFileSync(lockFile, "utf8").split("\n");
    writeFileSync(lockFile, [String(process.pid), ...lines.slice(1)].join("\n"));
    expect(await query((await start()).url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("data that a live server uses - are refused, and the server is left alone", async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({ code: "DATA_IN_USE" });
    expect(await query(first.url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("a busy port - is refused with what to do", async () => {
    const first = await start();
    const second = startPostgresServer({ ...options("other"), port: first.port });
    await expect(second).rejects.toMatchObject({
      code: "PORT_BUSY",
      message: expect.stringContaining("DATABASE_URL") as string,
    });
  });

  test("data whose password is lost or wrong - are refused with what to do", async () => {
    await (await start()).stop();
    writeFileSync(passwordFile(), "not-the-password\n");
    await expect(start()).rejects.toMatchObject({ code: "DATA_UNUSABLE" });
    rmSync(passwordFile());
    await expect(start()).rejects.toMatchObject({ code: "DATA_UNUSABLE" });
  });
});

function options(name = "data") {
  return {
    dataDir: join(folder, name),
    passwordFile: join(folder, `${name}-password`),
    logFile: join(folder, `${name}.log`),
    note: { pidsDir: join(servers().runDir, "pids"), name, layer: 0 },
  };
}

function passwordFile(): string {
  return options().passwordFile;
}

async function start(more: { port?: number } = {}): Promise<PostgresServer> {
  const server = await startPostgresServer({ ...options(), ...more });
  running.push(server);
  return server;
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const pool = openPool(url, { max: 1 });
  try {
    return (await pool.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await pool.end();
  }
}
