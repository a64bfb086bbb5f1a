import { randomUUID } from "node:crypto";
import { Writable } from "node:stream";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { loadConfig, type Config } from "../../../src/config/index.ts";
import { migrate } from "../../../src/db/index.ts";
import { runWorker, type WorkerReady } from "../../../src/worker/run.ts";
import { useDatabase } from "../../helpers/database.ts";
import { startTcpProxy } from "../../helpers/tcp-proxy.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const database = useDatabase();
const temporal = useTemporal();

function config(extra: Record<string, string> = {}): Config {
  return loadConfig({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    MUSTER_HOST: "127.0.0.1",
    MUSTER_WORKER_PORT: "0",
    ...extra,
  });
}

/** A worker in this process, with what it has logged so far. */
function start(settings: Config) {
  let lines = "";
  let ready: WorkerReady | undefined;
  const stop = new AbortController();
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines += chunk.toString();
      done();
    },
  });
  const roles = { lifecycle: false, activities: true };
  const ended = runWorker(settings, roles, pino(sink), stop.signal, (news) => {
    ready = news;
  }).then(
    () => "stopped",
    (error: unknown) => error,
  );
  return {
    ended,
    logged: (text: string) => waitUntil(`it logs "${text}"`, () => lines.includes(text)),
    ready: () => waitUntil("it is ready", () => ready),
    isReady: () => ready !== undefined,
    stop: () => {
      stop.abort();
      return ended;
    },
  };
}

describe("a worker that starts", () => {
  it("waits for Temporal, saying so", async () => {
    const [host, port] = temporal.address.split(":");
    const proxy = await startTcpProxy(Number(port), host);
    proxy.refuse(true);
    const worker = start(config({ TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}` }));
    await worker.logged(`waiting for Temporal at 127.0.0.1:${proxy.port}`);
    expect(worker.isReady()).toBe(false);
    proxy.refuse(false);
    await worker.ready();
    expect(await worker.stop()).toBe("stopped");
    await proxy.close();
  });

  it("waits for the namespace, naming what makes it", async () => {
    const namespace = `late-${randomUUID()}`;
    const worker = start(config({ TEMPORAL_NAMESPACE: namespace }));
    await worker.logged(`Temporal has no namespace ${namespace}: run \`muster setup\``);
    await temporal.client.connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    });
    await worker.ready();
    expect(await worker.stop()).toBe("stopped");
  });

  it("waits for the database's schema, naming what makes it", async () => {
    const name = `empty_${randomUUID().replaceAll("-", "")}`;
    await database.pool.query(`CREATE DATABASE ${name}`);
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    const worker = start(config({ DATABASE_URL: url.href }));
    await worker.logged("run `muster setup`");
    expect(worker.isReady()).toBe(false);
    await migrate(url.href, pino({ level: "silent" }));
    await worker.ready();
    expect(await worker.stop()).toBe("stopped");
    await database.pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
  });

  it("stops at once when it is told to while it waits", async () => {
    const worker = start(config({ TEMPORAL_ADDRESS: "127.0.0.1:1" }));
    await worker.logged("waiting for Temporal");
    expect(await worker.stop()).toBe("stopped");
    expect(worker.isReady()).toBe(false);
  });
});
