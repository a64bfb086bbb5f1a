/**
 * Vitest's global set-up for the projects that need servers: one Temporal and one PostgreSQL for the whole run, started
 * by the first project that wants them, stopped with the last. Tests reach them through `servers.ts`.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrate, openPool } from "../../src/db/index.ts";
import { startGuard } from "../../src/local/guard.ts";
import { endNoted } from "../../src/local/pid-files.ts";
import { startPostgresServer } from "../../src/local/postgres-server.ts";
import { findTemporalBinary } from "../../src/local/temporal-binary.ts";
import { startTemporalServer } from "../../src/local/temporal-server.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { searchAttributeNames } from "../../src/workflows/start-options.ts";
import { cliCommand } from "./cli-command.ts";

declare module "vitest" {
  interface ProvidedContext {
    servers: Servers;
  }
}

export interface Servers {
  /** `host:port` of Temporal's frontend. */
  temporalAddress: string;
  /** Command or path of Temporal's CLI. */
  temporalCli: string;
  /** Namespaces with Muster's search attributes, one for each test file that asks. */
  namespaces: string[];
  /** PostgreSQL's superuser URL, database `postgres`. */
  postgresUrl: string;
  /** Database with the schema, to copy. */
  templateDatabase: string;
  /** Folder of this run, deleted after it. */
  runDir: string;
  /** Command line of the `muster` CLI: the build when it is fresh, else the sources. */
  cli: string[];
}

interface Running {
  servers: Servers;
  users: number;
  stop: () => Promise<void>;
}

/** Each project loads this module anew, so what they share lies on the process. */
const shared = globalThis as { musterTestServers?: Promise<Running> };
const namespaceCount = 100;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.musterTestServers ??= start();
  const running = await shared.musterTestServers;
  running.users++;
  project.provide("servers", running.servers);
  return async () => {
    if (--running.users > 0) return;
    delete shared.musterTestServers;
    await running.stop();
  };
}

async function start(): Promise<Running> {
  const runDir = mkdtempSync(join(tmpdir(), "muster-test-"));
  const pids = join(runDir, "pids");
  mkdirSync(join(runDir, "namespaces"));
  const guard = startGuard(pids, runDir);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.map((one) => one()));
    await endNoted(pids, 5_000);
    await guard.dismiss();
    rmSync(runDir, { recursive: true, force: true });
  };
  const namespaces = Array.from({ length: namespaceCount }, (_, index) => `test-${index}`);
  const startTemporal = async () => {
    const binary = await findTemporalBinary({ say: tell });
    const temporal = await startTemporalServer({
      binary: binary.command,
      logFile: join(runDir, "temporal.log"),
      uiPort: "headless",
      namespaces,
      searchAttributes: Object.fromEntries(searchAttributeNames.map((name) => [name, "Keyword"])),
      dynamicConfig: testDynamicConfig,
      note: { pidsDir: pids, name: "temporal", layer: 0 },
    });
    stops.push(temporal.stop);
    return { address: temporal.address, cli: binary.command };
  };
  const startPostgres = async () => {
    const postgres = await startPostgresServer({
      dataDir: join(runDir, "postgres"),
      passwordFile: join(runDir, "postgres-password"),
      logFile: join(runDir, "postgres.log"),
      settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off" },
      note: { pidsDir: pids, name: "postgres", layer: 0 },
    });
    stops.push(postgres.stop);
    await makeTemplate(postgres.url);
    return postgres;
  };
  const [temporal, postgres] = await Promise.allSettled([startTemporal(), startPostgres()]);
  if (temporal.status === "rejected" || postgres.status === "rejected") {
    await stop();
    throw [temporal, postgres].find((one) => one.status === "rejected")?.reason;
  }
  const servers: Servers = {
    temporalAddress: temporal.value.address,
    temporalCli: temporal.value.cli,
    namespaces,
    postgresUrl: postgres.value.url,
    templateDatabase,
    runDir,
    cli: cliCommand(),
  };
  return { servers, users: 0, stop };
}

const templateDatabase = "muster_template";
const testDynamicConfig = {
  // Lets a workflow continue as new at once, for tests that do it often.
  "history.workflowIdReuseMinimalInterval": "0s",
  // Temporal's own workers (schedules, batches) for a hundred namespaces would only cost time.
  "worker.perNamespaceWorkerCount": 0,
  "matching.numTaskqueueReadPartitions": 1,
  "matching.numTaskqueueWritePartitions": 1,
  "frontend.namespaceRPS.visibility": 1000,
};

async function makeTemplate(url: string): Promise<void> {
  const pool = openPool(url, { max: 1 });
  try {
    await pool.query(`CREATE DATABASE ${templateDatabase}`);
  } finally {
    await pool.end();
  }
  const template = new URL(url);
  template.pathname = `/${templateDatabase}`;
  await migrate(template.href, createLog("test", "error"));
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
