/**
 * The example of a calling workflow, in whole processes and with all payloads encrypted: ten machines on three hosts, while
 * its worker and Muster's are killed.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@temporalio/client";
import { beforeAll, describe, expect, it } from "vitest";
import { readEffects } from "../../src/resources/simulator/effects.ts";
import { EncryptingCodec, Keyring } from "../../src/secrets/index.ts";
import { installMuster } from "../helpers/installed-muster.ts";
import { startProgram, type MusterProcess } from "../helpers/processes.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster } from "./cluster.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const payloadKey = `k1:${randomBytes(32).toString("base64")}`;
const { cluster, home, temporal } = useCluster(() => ({ MUSTER_PAYLOAD_KEY: payloadKey }));
const hosts = ["host-1", "host-2", "host-3"];
const spec = { cpuCount: 1, memoryBytes: 1024 ** 3 };

interface Told {
  readonly outcomes: readonly {
    readonly vm: string;
    readonly host: string;
    readonly state: string;
    readonly why?: string;
    readonly commandId?: string;
  }[];
  readonly undone: readonly { readonly vm: string; readonly stopped: boolean }[];
}

let app = "";
let nodeArguments: readonly string[] = [];
let musterWorker: MusterProcess;
let client: Client;

beforeAll(async () => {
  app = join(home(), "app");
  cpSync(join(root, "examples/vm-workflow"), app, { recursive: true });
  nodeArguments = installMuster(app);
  client = new Client({
    connection: temporal.client.connection,
    namespace: temporal.namespace,
    dataConverter: { payloadCodecs: [new EncryptingCodec(Keyring.parse(payloadKey))] },
  });
  musterWorker = await cluster.startWorker();
  const gateway = await cluster.startGateway("gateway-1");
  for (const host of hosts) {
    // One second for each machine, one after the other: time to kill in the middle.
    const faults = { StartVm: { delayMs: 1_000 } };
    const config = { stateFile: effectsFile(host), vms: 0, memoryBytes: 8 * 1024 ** 3, faults };
    await cluster.startAgent(host, [gateway.agentUrl], { home: home(), config });
  }
  for (const host of hosts) await cluster.untilStatus(host, "Up");
});

describe("a workflow that starts machines", () => {
  it("types - it is what muster/workflow takes", async () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    // Rejects with the compiler's complaints when there are any.
    await promisify(execFile)(process.execPath, [tsc, "-p", join(root, "examples/vm-workflow")]);
  });

  it("ten on three hosts, both workers killed in the middle - each is started once, and has its one Answer", async () => {
    const worker = await startWorker();
    const vms = Array.from({ length: 10 }, (_, i) => `vm-${i}`);
    const order = await client.workflow.start("startVms", {
      workflowId: "order-1",
      taskQueue: "vm-orders",
      args: [{ hosts, vms, spec }],
    });
    await waitUntil("some are started, and others are not", () => effects().length >= 2);

    for (const victim of [worker, musterWorker]) {
      victim.signal("SIGKILL");
      await victim.ended;
    }
    expect(effects().length).toBeLessThan(10);
    const again = await startWorker();
    musterWorker = await cluster.startWorker();

    const { outcomes } = (await order.result()) as Told;
    expect(outcomes.map(({ vm, state, why }) => [vm, state, why])).toEqual(
      vms.map((vm) => [vm, "started", undefined]),
    );
    expect(
      effects()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...vms].sort());
    const answered = outcomes.map(({ commandId }) => commandId).sort();
    expect(new Set(answered).size).toBe(10);
    expect(
      effects()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(answered);
    await again.stop();
  });

  it("one that does not fit - the others are stopped again", async () => {
    const worker = await startWorker();
    const order = await client.workflow.start("startVms", {
      workflowId: "order-2",
      taskQueue: "vm-orders",
      args: [
        {
          hosts: hosts.slice(0, 2),
          vms: ["small", "large"],
          spec: { cpuCount: 1, memoryBytes: 5 * 1024 ** 3 },
          onFailure: "undo",
        },
      ],
    });
    // host-1 has four machines by now and 4 GiB left, host-2 three and 5.
    const { outcomes, undone } = (await order.result()) as Told;
    expect(outcomes.map(({ vm, state }) => [vm, state])).toEqual([
      ["small", "failed"],
      ["large", "started"],
    ]);
    expect(undone).toEqual([{ vm: "large", host: "host-2", stopped: true }]);
    await worker.stop();
  });
});

async function startWorker() {
  return await startProgram([process.execPath, ...nodeArguments, join(app, "worker.js")], {
    cwd: app,
    env: {
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      MUSTER_PAYLOAD_KEY: payloadKey,
    },
  });
}

function effectsFile(host: string): string {
  return join(home(), `${host}.effects`);
}

/** Machines that were started, once for each time that it happened. */
function effects() {
  return hosts
    .flatMap((host) => readEffects(effectsFile(host)))
    .filter(({ type }) => type === "StartVm");
}
