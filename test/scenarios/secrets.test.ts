/** Secrets of Commands through real processes that log all they can, and a payload key that is changed under a fleet. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Keyring, newKeyEntry } from "../../src/secrets/keyring.ts";
import { EncryptingCodec } from "../../src/secrets/payload-codec.ts";
import { runCommand } from "../../src/local/run-command.ts";
import { runMuster, type MusterProcess } from "../helpers/processes.ts";
import { servers } from "../helpers/servers.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { storedPayloads } from "../integration/secrets/payloads.ts";
import { useCluster, type Gateway } from "./cluster.ts";

const [k1, k2] = [newKeyEntry("k1"), newKeyEntry("k2")];
const resource = join(import.meta.dirname, "vault-resource.mjs");
const agentId = "vault";
const codecToken = randomBytes(16).toString("hex");
const settings = { MUSTER_PAYLOAD_KEY: k1, MUSTER_CODEC_TOKEN: codecToken, LOG_LEVEL: "trace" };
const { cluster, home, database, temporal, env } = useCluster(() => settings);
const processes: MusterProcess[] = [];
let worker: MusterProcess;
let gateways: Gateway[];
let agent: MusterProcess;

beforeAll(async () => {
  const started = [
    cluster.startWorker(),
    cluster.startGateway("gateway-1"),
    cluster.startGateway("gateway-2"),
  ] as const;
  const [newWorker, ...newGateways] = await Promise.all(started);
  worker = noted(newWorker);
  gateways = newGateways.map(noted);
  agent = await startAgent();
});

function noted<T extends MusterProcess>(process: T): T {
  processes.push(process);
  return process;
}

async function startAgent(): Promise<MusterProcess> {
  const urls = gateways.map(({ agentUrl }) => agentUrl);
  const config = { file: join(home(), "hashes") };
  const process = noted(
    await cluster.startAgent(agentId, urls, { home: home(), resource, config }),
  );
  await cluster.untilStatus(agentId, "Up");
  return process;
}

/** Worker and gateway anew with other keys, on their old ports. */
async function restartManager(MUSTER_PAYLOAD_KEY: string): Promise<void> {
  settings.MUSTER_PAYLOAD_KEY = MUSTER_PAYLOAD_KEY;
  const [gateway] = gateways;
  await Promise.all([worker.stop(), gateway?.stop()]);
  const started = [cluster.startWorker(), cluster.startGateway("gateway-2", gateway)] as const;
  const [newWorker, newGateway] = await Promise.all(started);
  worker = noted(newWorker);
  gateways = [noted(newGateway)];
}

const secrets: string[] = [];
function setPassword(more: Readonly<Record<string, unknown>> = {}) {
  const password = `correct-horse-${randomUUID()}`;
  secrets.push(password);
  return { type: "SetPassword", id: randomUUID(), user: "root", password, ...more };
}

const hashOf = (password: string): string => createHash("sha256").update(password).digest("hex");
const received = (): string => readFileSync(join(home(), "hashes"), "utf8");

async function submit(commands: readonly object[], waitSeconds = 120): Promise<string> {
  const body = { commands, waitSeconds, wait: false };
  const reply = await cluster.call(
    "POST",
    `agents/${agentId}/commands`,
    body,
    gateways.at(-1)?.apiUrl,
  );
  expect(reply).toMatchObject({ status: 202, body: { state: "pending" } });
  return (reply.body as { requestId: string }).requestId;
}

async function settled(requestId: string) {
  return await waitUntil(`${requestId} is settled`, async () => {
    const { body } = await cluster.call("GET", `requests/${requestId}?waitSeconds=10`);
    const view = body as { state: string; answers?: readonly object[] };
    return view.state === "settled" && view;
  });
}

/** Every row of Muster's tables. */
async function dump(): Promise<string> {
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  const tables = rows.map(async ({ name }) => {
    const all = await database.pool.query<{ row: string }>(
      `SELECT t::text AS row FROM "${name}" t`,
    );
    return all.rows.map(({ row }) => row).join("\n");
  });
  return (await Promise.all(tables)).join("\n");
}

/** Everything that Temporal has of everything, opened with all keys. */
async function histories(): Promise<string> {
  const codec = new EncryptingCodec(Keyring.parse(`${k1},${k2}`));
  const texts: string[] = [];
  for await (const { workflowId, runId } of temporal.client.workflow.list()) {
    const stored = await storedPayloads(temporal.client, workflowId, runId);
    const decoded = await codec.decode(stored.map(({ payload }) => payload));
    texts.push(...decoded.map(({ data }) => Buffer.from(data ?? []).toString("utf8")));
  }
  return texts.join("\n");
}

function files(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return paths.map((path) => readFileSync(path, "latin1")).join("\n");
}

/** A secret as text, as bytes in JSON, and as it looks within base64, wherever it begins there. */
function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(4, -4),
  );
  return [secret, bytes.toString("hex"), bytes.join(","), ...base64];
}

describe("secrets of Commands", () => {
  it("through agents and gateways that die, cancels and mistakes - are in no log, row, history or file", async () => {
    const first = setPassword({ others: [{ name: "a", password: setPassword().password }] });
    const answered = await cluster.call("POST", `agents/${agentId}/commands`, {
      commands: [first],
    });
    expect(answered).toMatchObject({ status: 200, body: { answers: [{ result: true }] } });
    expect(received()).toContain(hashOf(first.password));
    const check = {
      ...first,
      type: "CheckPassword",
      id: randomUUID(),
      hash: hashOf(first.password),
    };
    const body = { commands: [check], lane: "direct" };
    const direct = await Promise.all(
      gateways.map(({ apiUrl }) =>
        cluster.call("POST", `agents/${agentId}/commands`, body, apiUrl),
      ),
    );
    expect(direct.map(({ status }) => status).sort()).toEqual([200, 200]);
    // Asked for wrongly, in three ways.
    for (const wrong of [
      { commands: [setPassword(), setPassword({ id: first.id })] },
      { commands: [setPassword()], onError: "whatever" },
      { commands: [setPassword({ password: { $sealed: setPassword().password } })] },
    ]) {
      const { status } = await cluster.call("POST", `agents/${agentId}/commands`, wrong);
      expect(status).toBeGreaterThanOrEqual(400);
    }

    agent.signal("SIGKILL");
    await agent.ended;
    const pending = setPassword({ holdMs: 1_500 });
    const requests = [await submit([pending]), await submit([setPassword()])];
    const cancelled = await cluster.call("DELETE", `requests/${requests[1] ?? ""}`);
    expect(cancelled.body).toMatchObject({ result: "cancelled" });
    // The one that the agent was connected to.
    gateways[0]?.signal("SIGKILL");
    await gateways[0]?.ended;
    gateways = gateways.slice(1);
    agent = await startAgent();
    await waitUntil("it runs", () => received().includes(hashOf(pending.password)));
    agent.signal("SIGKILL");
    await agent.ended;
    agent = await startAgent();
    expect(await settled(requests[0] ?? "")).toMatchObject({ answers: [{ outcome: "unknown" }] });
    expect(
      received()
        .split("\n")
        .filter((line) => line === hashOf(pending.password)),
    ).toHaveLength(1);

    const shown = ["why", "events", "recurring", ""].map((what) =>
      cluster.call("GET", `agents/${agentId}/${what}`.replace(/\/$/, "")),
    );
    const everything: Readonly<Record<string, string>> = {
      logs: processes.map(({ log, output }) => `${log()}\n${output()}`).join("\n"),
      rows: await dump(),
      histories: await histories(),
      files: files(home()),
      api: JSON.stringify(await Promise.all(shown)),
    };
    expect(everything["logs"]).toContain('"level":10');
    expect(everything["histories"]).toContain('"$sealed":"k1:');
    for (const [place, text] of Object.entries(everything)) {
      for (const spelling of secrets.flatMap(spellings)) {
        if (text.includes(spelling)) {
          const at = text.indexOf(spelling);
          throw new Error(`${place} has a secret: ${text.slice(Math.max(0, at - 300), at + 60)}`);
        }
      }
    }
  });
});

describe("the codec endpoint of a gateway", () => {
  /** What stands in the history of the agent's newest run, as the Temporal CLI prints it with these options. */
  async function shownBy(...options: readonly string[]): Promise<string> {
    const { temporalCli, temporalAddress } = servers();
    const at = ["--address", temporalAddress, "--namespace", temporal.namespace];
    const what = ["workflow", "show", "--workflow-id", `agent/${agentId}`, "--output", "json"];
    const { stdout, stderr, failure } = await runCommand(
      temporalCli,
      [...what, ...at, ...options],
      { timeoutMs: 60_000 },
    );
    expect(failure, stderr).toBeUndefined();
    return [...stdout.matchAll(/"(?:data|encoding)": "(.*?)"/g)]
      .map(([, base64 = ""]) => Buffer.from(base64, "base64").toString("utf8"))
      .join("\n");
  }

  it("asked by the Temporal CLI - shows it what stands in a history, secret fields sealed", async () => {
    const sent = setPassword();
    const body = { commands: [sent] };
    const answered = await cluster.call("POST", `agents/${agentId}/commands`, body);
    expect(answered).toMatchObject({ status: 200, body: { answers: [{ result: true }] } });
    const endpoint = `${gateways[0]?.apiUrl ?? ""}/codec`;
    const blind = await shownBy();
    const shown = await Promise.all([
      shownBy("--codec-endpoint", endpoint, "--codec-auth", `Bearer ${codecToken}`),
      shownBy("--codec-endpoint", `${endpoint}/${codecToken}`),
    ]);
    expect(blind).toContain("binary/encrypted");
    expect(blind).not.toContain(sent.id);
    for (const text of shown) {
      expect(text).toContain(sent.id);
      expect(text).toContain("$sealed");
      expect(text).not.toContain(sent.password);
      expect(text).not.toContain("binary/encrypted");
    }
  });
});

describe("a payload key that is changed", () => {
  it("k1, then k2 before k1, then k2 alone - loses no Request and no workflow", async () => {
    await agent.stop();
    const old = setPassword();
    const pending = await submit([old]);
    await restartManager(`${k2},${k1}`);
    agent = await startAgent();
    expect(await settled(pending)).toMatchObject({ answers: [{ result: true }] });
    expect(received()).toContain(hashOf(old.password));

    await agent.stop();
    const young = setPassword();
    const next = await submit([young]);
    const renewed = await runMuster(["payload-key", "renew", "--json"], { env: env() });
    expect(renewed).toMatchObject({ code: 0 });
    expect(JSON.parse(renewed.stdout)).toMatchObject({
      encryptsWith: "k2",
      sealed: { requests: 0 },
    });

    const since = processes.length;
    await restartManager(k2);
    agent = await startAgent();
    expect(await settled(next)).toMatchObject({ answers: [{ result: true }] });
    expect(received()).toContain(hashOf(young.password));
    // What was settled before both changes is remembered.
    expect(await settled(pending)).toMatchObject({ answers: [{ result: true }] });
    const logs = processes.slice(since).map(({ log }) => log());
    expect(logs.join("\n")).not.toMatch(/can't be (read|opened)/);
    for await (const { workflowId } of temporal.client.workflow.list({
      query: "ExecutionStatus = 'Running'",
    })) {
      const stored = await storedPayloads(temporal.client, workflowId);
      const keys = stored.map(({ payload }) => payload.metadata?.["encryption-key-id"]);
      const ids = new Set(keys.flatMap((id) => (id ? [Buffer.from(id).toString()] : [])));
      expect([workflowId, [...ids]]).toEqual([workflowId, ["k2"]]);
    }
  });
});
