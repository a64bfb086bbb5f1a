/**
 * The Compose file's own services as plain processes: the same commands, the same environment (other addresses and
 * ports), the same health checks.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it, vi } from "vitest";
import { useDatabase } from "../../helpers/database.ts";
import { runMuster, startMuster } from "../../helpers/processes.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { exampleSettings, readCompose, repositoryFile } from "../../unit/deploy/compose-file.ts";

const database = useDatabase();
const temporal = useTemporal();
// Each test starts several processes, and the machine may be busy with other tests.
vi.setConfig({ testTimeout: 300_000 });

interface Port {
  readonly variable: string;
  readonly port: string;
}

/** A service as Compose would start it, pointed at the test's servers. */
function service(name: string, ports: readonly Port[] = []) {
  const settings = { ...exampleSettings, TEMPORAL_NAMESPACE: temporal.namespace };
  const { command, environment, healthcheck } = readCompose(settings).services[name] ?? {};
  if (command === undefined || environment === undefined) throw new Error(`No service ${name}.`);
  const env: Record<string, string> = {
    ...environment,
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
  };
  for (const { variable, port } of ports) {
    // Only what Compose sets anyway may be set otherwise.
    expect(Object.keys(environment)).toContain(variable);
    env[variable] = port;
  }
  return { command, env, healthcheck: healthcheck?.test ?? [] };
}

/** Runs a health check as Docker would, in the folder that stands for the image's; gives its exit code. */
async function check(
  healthcheck: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const [kind, command = "", ...args] = healthcheck;
  expect(kind).toBe("CMD");
  const child = spawn(command, args, {
    cwd: repositoryFile("."),
    env: { PATH: process.env["PATH"], ...env },
    stdio: "ignore",
  });
  await once(child, "exit");
  return child.exitCode;
}

let folder: string | undefined;
afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** What .env says of TLS, with a certificate for the public host that nobody else knows of. */
async function certificate(): Promise<{ MUSTER_TLS_CERT: string; MUSTER_TLS_KEY: string }> {
  folder = await mkdtemp(join(tmpdir(), "muster-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = `/CN=${exampleSettings["PUBLIC_HOST"] ?? ""}`;
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "1", "-subj", subject, "-keyout", key, "-out", cert],
  ]);
  return { MUSTER_TLS_CERT: cert, MUSTER_TLS_KEY: key };
}

function portOf(url: unknown): string {
  return new URL(String(url)).port;
}

describe("the services of docker-compose.yml as processes", () => {
  it("setup prepares everything and ends; a second time it finds all done", async () => {
    const setup = service("setup");
    await database.pool.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    const first = await runMuster([...setup.command, "--json"], { env: setup.env });
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(first.stdout).toContain("0001_registry");
    const second = await runMuster([...setup.command, "--json"], { env: setup.env });
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout).not.toContain("0001_registry");
  });

  it("worker is healthy when it is ready, two of them on one machine, and not after it has stopped", async () => {
    const { command, env, healthcheck } = service("worker", [
      { variable: "MUSTER_WORKER_PORT", port: "0" },
    ]);
    const workers = await Promise.all([
      startMuster(command, { env }),
      startMuster(command, { env }),
    ]);
    for (const worker of workers) {
      const own = { ...env, MUSTER_WORKER_PORT: portOf(worker.ready["healthUrl"]) };
      expect(await check(healthcheck, own)).toBe(0);
      expect(await worker.stop()).toBe(0);
      expect(await check(healthcheck, own)).toBe(1);
    }
  });

  it("gateways are healthy when they are ready, each under an id of its own", async () => {
    const worker = service("worker", [{ variable: "MUSTER_WORKER_PORT", port: "0" }]);
    const lifecycles = await startMuster(worker.command, { env: worker.env });
    const { command, env, healthcheck } = service("gateway", [
      { variable: "MUSTER_AGENT_PORT", port: "0" },
      { variable: "MUSTER_API_PORT", port: "0" },
    ]);
    // Replicas differ in their container's host name alone; processes on one machine can't. And one has TLS.
    const settings = [
      { ...env, MUSTER_GATEWAY_ID: "replica-1" },
      { ...env, MUSTER_GATEWAY_ID: "replica-2", ...(await certificate()) },
    ];
    const gateways = await Promise.all(settings.map((own) => startMuster(command, { env: own })));
    const checked = gateways.map((gateway, i) => ({
      ...settings[i],
      MUSTER_API_PORT: portOf(gateway.ready["apiUrl"]),
    }));
    for (const own of checked) {
      await waitUntil("it is healthy", async () => (await check(healthcheck, own)) === 0);
    }
    expect(gateways.map((gateway) => String(gateway.ready["apiUrl"]).split(":")[0])).toEqual([
      "http",
      "https",
    ]);
    const agents = `http://127.0.0.1:${checked[0]?.MUSTER_API_PORT ?? ""}/api/v1/agents`;
    const token = exampleSettings["MUSTER_API_TOKEN"] ?? "";
    const response = await fetch(agents, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    const { rows } = await database.pool.query<{ id: string; agent_url: string }>(
      "SELECT id, agent_url FROM gateways ORDER BY id",
    );
    expect(rows.map((row) => row.id)).toEqual(["replica-1", "replica-2"]);
    for (const row of rows) expect(row.agent_url).toContain(exampleSettings["PUBLIC_HOST"]);
    for (const [i, own] of checked.entries()) {
      expect(await gateways[i]?.stop()).toBe(0);
      expect(await check(healthcheck, own)).toBe(1);
    }
    await lifecycles.stop();
  });

  it("a health check of something else than a gateway or a worker is an error", async () => {
    expect(await check(["CMD", "node", "deploy/healthcheck.mjs", "database"], {})).toBe(2);
  });
});
