import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isPortFree } from "../../../src/local/ports.ts";
import { processIdentity } from "../../../src/local/process-identity.ts";
import { readStack, type StackFile } from "../../../src/local/stack-file.ts";
import { useDatabase } from "../../helpers/database.ts";
import { runMuster, startMuster, type MusterProcess } from "../../helpers/processes.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const database = useDatabase();
const temporal = useTemporal();
const homes: string[] = [];
let home: string;
let running: MusterProcess | undefined;

afterAll(async () => {
  await running?.stop();
  for (const one of homes) rmSync(one, { recursive: true, force: true });
});

/** A home without anything, with nothing running on it. */
async function freshHome(): Promise<void> {
  await running?.stop();
  running = undefined;
  home = mkdtempSync(join(tmpdir(), "muster-stack-"));
  homes.push(home);
}

/** A stack that runs: what an earlier test left, else one that is started now. */
async function aStack(): Promise<MusterProcess> {
  if (running === undefined) await freshHome();
  return running ?? (await up());
}

describe("muster up", () => {
  test("start, stop, start - brings up all, leaves nothing, resumes with the same agents", async () => {
    await freshHome();
    const first = await up();
    expect(first.ready["try"]).toHaveLength(3);
    const before = await agents();
    expect(before.map((agent) => agent.id)).toEqual(["sim-0001", "sim-0002"]);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(join(home, "secrets"))) {
      expect(statSync(join(home, "secrets", file)).mode & 0o777).toBe(0o600);
    }
    const stack = stackFile();

    expect(await first.stop("SIGINT")).toBe(0);
    await expectNothingLeft(stack);

    const second = await up();
    expect(stackFile().apiUrl).toBe(stack.apiUrl);
    await waitUntil("both agents are Up in a later session", async () =>
      (await agents()).every(
        (agent) => agent.status === "Up" && agent.epoch > (before[0]?.epoch ?? 0),
      ),
    );
    const stackAgain = stackFile();
    expect(await second.stop()).toBe(0);
    await expectNothingLeft(stackAgain);
    await up();
  });

  test("any part killed - is started again, and Commands are answered", async () => {
    await aStack();
    for (const name of ["gateway", "worker", "sim", "temporal", "postgres"]) {
      const pid = stackFile().pids[name] ?? 0;
      process.kill(pid, "SIGKILL");
      await waitUntil(`${name} is back`, () => (stackFile().pids[name] ?? pid) !== pid, {
        timeoutMs: 90_000,
      });
      await waitUntil(
        `a Command is answered after ${name} was killed`,
        async () => (await cli("send", "sim-0001", "GetHostStats")).code === 0,
        { timeoutMs: 90_000, everyMs: 500 },
      );
    }
  }, 400_000);

  test("SIGKILL of the parent - its children end by themselves, and the next start resumes", async () => {
    const first = await aStack();
    const stack = stackFile();
    first.signal("SIGKILL");
    await first.ended;
    await expectNothingLeft(stack);
    await up();
    expect(await agents()).toHaveLength(2);
  });

  test("a second start on the same home - says so, and the first runs on", async () => {
    const first = await aStack();
    const second = await cli("up");
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`runs already on ${home} (process ${first.pid})`);
    expect(await agents()).toHaveLength(2);
  });

  test("Temporal and PostgreSQL that the settings name - are used, and none started", async () => {
    await freshHome();
    const stack = await up({
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
    });
    expect(Object.keys(stackFile().pids).sort()).toEqual(["gateway", "sim", "worker"]);
    const { rows } = await database.pool.query<{ id: string }>("SELECT id FROM agents ORDER BY id");
    expect(rows.map((row) => row.id)).toEqual(["sim-0001", "sim-0002"]);
    const { status } = await temporal.client.workflow.getHandle("agent/sim-0001").describe();
    expect(status.name).toBe("RUNNING");
    expect(await stack.stop()).toBe(0);
  });

  test("a busy port - says which setting to change, and leaves nothing", async () => {
    await freshHome();
    const other = createServer().listen(0, "0.0.0.0");
    await new Promise((resolve) => other.once("listening", resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const { code, stderr } = await cli("up", { MUSTER_API_PORT: String(port) });
      expect(code).toBe(1);
      expect(stderr).toContain(`Port ${port}`);
      expect(stderr).toContain("MUSTER_API_PORT");
      expect(readdirSync(join(home, "run"))).toEqual([]);
    } finally {
      other.close();
    }
  });
});

const environment = () => ({
  MUSTER_HOME: home,
  MUSTER_AGENT_PORT: "0",
  MUSTER_API_PORT: "0",
  MUSTER_WORKER_PORT: "0",
  MUSTER_GATEWAY_ID: "g1",
});

async function up(env: Record<string, string> = {}): Promise<MusterProcess> {
  const stack = await startMuster(["up", "--sims", "2"], {
    env: { ...environment(), ...env },
    readyTimeoutMs: 180_000,
  });
  running = stack;
  void stack.ended.then(() => {
    if (running === stack) running = undefined;
  });
  return stack;
}

async function cli(...args: (string | Record<string, string>)[]) {
  const env = args.find((one) => typeof one === "object") ?? {};
  const words = args.filter((one) => typeof one === "string");
  return await runMuster(words, { env: { ...environment(), ...env } });
}

interface AgentRow {
  readonly id: string;
  readonly status: string;
  readonly epoch: number;
}

async function agents(): Promise<AgentRow[]> {
  const stack = readStack(home);
  const response = await fetch(`${stack?.apiUrl ?? ""}/api/v1/agents`, {
    headers: { authorization: `Bearer ${stack?.apiToken ?? ""}` },
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { agents: AgentRow[] }).agents;
}

function stackFile(): StackFile {
  return JSON.parse(readFileSync(join(home, "stack.json"), "utf8")) as StackFile;
}

/** No process, no port, no stack file. */
async function expectNothingLeft(stack: StackFile): Promise<void> {
  await waitUntil(
    "all processes have ended",
    () => Object.values(stack.pids).every((pid) => processIdentity(pid) === undefined),
    { timeoutMs: 60_000 },
  );
  for (const url of [stack.apiUrl, stack.agentUrl, `tcp://${stack.temporalAddress}`]) {
    expect(await isPortFree(Number(new URL(url).port)), url).toBe(true);
  }
  expect(readStack(home)).toBeUndefined();
}
