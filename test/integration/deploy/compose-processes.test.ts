/**
 * The Compose file's own services as plain processes: the same commands, the same environment (other addresses and
 * ports), the same health checks.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
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
    // Replicas differ in their container's host name alone; processes on one machine can't.
    const gateways = await Promise.all(
      ["replica-1", "replica-2"].map((id) =>
        startMuster(command, { env: { ...env, MUSTER_GATEWAY_ID: id } }),
      ),
    );
    for (const gateway of gateways) {
      const apiPort = portOf(gateway.ready["apiUrl"]);
      const own = { ...env, MUSTER_API_PORT: apiPort };
      await waitUntil("it is healthy", async () => (await check(healthcheck, own)) === 0);
      const response = await fetch(`http://127.0.0.1:${apiPort}/api/v1/agents`, {
        headers: { authorization: `Bearer ${exampleSettings["MUSTER_API_TOKEN"] ?? ""}` },
      });
      expect(response.status).toBe(200);
    }
    const { rows } = await database.pool.query<{ id: string; agent_url: string }>(
      "SELECT id, agent_url FROM gateways ORDER BY id",
    );
    expect(rows.map((row) => row.id)).toEqual(["replica-1", "replica-2"]);
    for (const row of rows) expect(row.agent_url).toContain(exampleSettings["PUBLIC_HOST"]);
    for (const gateway of gateways) {
      expect(await gateway.stop()).toBe(0);
      const own = { ...env, MUSTER_API_PORT: portOf(gateway.ready["apiUrl"]) };
      expect(await check(healthcheck, own)).toBe(1);
    }
    await lifecycles.stop();
  });

  it("a health check of something else than a gateway or a worker is an error", async () => {
    expect(await check(["CMD", "node", "deploy/healthcheck.mjs", "database"], {})).toBe(2);
  });
});
