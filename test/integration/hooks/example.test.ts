/** The example listener, as docs/HOOKS.md has it, in real gateway and worker processes. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it, vi } from "vitest";
import { useCluster } from "../../scenarios/cluster.ts";
import { runMuster } from "../../helpers/processes.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const example = join(root, "examples/audit-hook");
vi.setConfig({ testTimeout: 300_000 });

const folder = mkdtempSync(join(tmpdir(), "muster-audit-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const files = { log: join(folder, "audit.jsonl"), denied: join(folder, "denied.txt") };
const { cluster, home } = useCluster(() => ({
  MUSTER_HOOK_MODULES: example,
  AUDIT_LOG: files.log,
  AUDIT_DENIED: files.denied,
}));

interface AuditLine {
  readonly what: string;
  readonly agentId: string;
  readonly [field: string]: unknown;
}
function audit(): readonly AuditLine[] {
  return readFileSync(files.log, "utf8")
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as AuditLine]));
}

describe("the example listener", () => {
  it("imports - muster/api and Node's own modules, nothing else; its types fit", async () => {
    const source = readFileSync(join(example, "index.js"), "utf8");
    const imported = [...source.matchAll(/\bfrom "([^"]+)"/g)].map(([, name = ""]) => name);
    const foreign = imported.filter((name) => !name.startsWith("node:"));
    expect([...new Set(foreign)]).toEqual(["muster/api"]);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    // Rejects with the compiler's complaints when there are any.
    await promisify(execFile)(process.execPath, [tsc, "-p", example]);
  });

  it("gateway and worker - tell it of sessions, Commands, Status and resource state; it keeps a host out", async () => {
    writeFileSync(files.denied, "host-out\n");
    const worker = await cluster.startWorker();
    const gateway = await cluster.startGateway("gateway-1");
    const urls = [gateway.agentUrl];
    const agent = await cluster.startAgent("host-in", urls, { home: home() });
    await cluster.untilStatus("host-in", "Up");
    // It goes on trying for ever; it ends with the test's other processes.
    cluster.startAgent("host-out", urls, { home: home() }).catch(() => undefined);
    await waitUntil("it is refused", () => gateway.log().includes("must stay out"), {
      timeoutMs: 60_000,
    });
    await cluster.send("host-in", [{ type: "StopVm", vm: "vm-1" }]);
    await cluster.call("POST", "agents/host-in/disable");
    await agent.stop();
    await cluster.untilStatus("host-in", "Disconnected");
    const has = (what: string, more: Readonly<Record<string, unknown>>) =>
      waitUntil(`${what} is in the log`, () =>
        audit().find(
          (line) =>
            line.what === what &&
            line.agentId === "host-in" &&
            Object.entries(more).every(([key, value]) => line[key] === value),
        ),
      );
    await has("connected", { epoch: 1, gatewayId: "gateway-1" });
    await has("commands", { lane: "durable", seq: 1 });
    await has("answers", { lane: "durable", seq: 1 });
    await has("status", { from: "Creating", to: "Up" });
    await has("resourceState", { from: "Enabled", to: "Disabled" });
    await has("disconnected", { epoch: 1 });
    await has("status", { from: "Up", to: "Disconnected" });
    expect(audit().filter(({ agentId }) => agentId === "host-out")).toEqual([]);
    const numbers = audit().flatMap(({ no }) => (typeof no === "number" ? [no] : []));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    const { healthUrl } = worker.ready as { healthUrl: string };
    const metrics = await (await fetch(`${healthUrl}/metrics`)).text();
    expect(metrics).toMatch(
      /muster_hook_calls_total\{listener="audit",method="onStatusChanged",result="done"\} [1-9]/,
    );
  });

  it.each(["gateway", "worker"])(
    "%s - does not start with a module that is not there",
    async (process) => {
      const { code, stderr } = await runMuster([process], {
        env: {
          ...{ MUSTER_HOOK_MODULES: "./no-such-hook.js", MUSTER_WORKER_PORT: "0" },
          ...{ DATABASE_URL: "postgres://127.0.0.1:9/x", TEMPORAL_ADDRESS: "127.0.0.1:9" },
          ...{ MUSTER_API_TOKEN: "0123456789abcdef" },
        },
      });
      expect(code).toBe(2);
      expect(stderr).toContain("MUSTER_HOOK_MODULES");
      expect(stderr).toContain("./no-such-hook.js");
    },
  );
});
