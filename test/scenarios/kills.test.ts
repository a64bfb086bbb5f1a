/** Processes killed in the middle of a Command: none is lost, none runs twice, each gets one Answer. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { MusterProcess } from "../helpers/processes.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type CommandAnswer, type Gateway } from "./cluster.ts";

const { cluster, home } = useCluster();
let gateway: Gateway;
let worker: MusterProcess;
let number = 0;
let agentId = "";
let agent: MusterProcess;

beforeAll(async () => {
  worker = await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
});

/** Neither is idempotent, and the simulator counts on disk how often they took effect. */
function config() {
  const stateFile = join(home(), `${agentId}.effects`);
  return { stateFile, faults: { RebootVm: { delayMs: 2_000 }, StopVm: { delayMs: 30_000 } } };
}

beforeEach(async () => {
  number += 1;
  agentId = `host-${number}`;
  agent = await cluster.startAgent(agentId, [gateway.agentUrl], { home: home(), config: config() });
  await cluster.untilStatus(agentId, "Up");
});

describe("a Command that is running", () => {
  it("gateway killed - gets its one Answer and took effect once", async () => {
    const commandId = crypto.randomUUID();
    const requestId = crypto.randomUUID();
    const call = send(commandId, requestId).catch(() => undefined);
    await running(requestId);

    gateway.signal("SIGKILL");
    await gateway.ended;
    await call;
    gateway = await cluster.startGateway("gateway-1", gateway);

    // A caller that lost its connection asks again with the same request id.
    const [answer] = await send(commandId, requestId);
    expect(answer).toMatchObject({ type: "RebootVmAnswer", commandId, result: true });
    expect(await effects(commandId)).toBe(1);
  });

  it("worker killed - gets its one Answer and took effect once", async () => {
    const commandId = crypto.randomUUID();
    const requestId = crypto.randomUUID();
    const call = send(commandId, requestId);
    await running(requestId);

    worker.signal("SIGKILL");
    await worker.ended;
    worker = await cluster.startWorker();

    const [answer] = await call;
    expect(answer).toMatchObject({ type: "RebootVmAnswer", commandId, result: true });
    expect(await effects(commandId)).toBe(1);
  });

  it("agent killed - is answered unknown, and is not run again", async () => {
    const commandId = crypto.randomUUID();
    const requestId = crypto.randomUUID();
    // It is still running when the agent is killed, however slow the machine is.
    const call = send(commandId, requestId, "StopVm");
    await started(commandId);

    agent.signal("SIGKILL");
    await agent.ended;
    agent = await cluster.startAgent(agentId, [gateway.agentUrl], {
      home: home(),
      config: config(),
    });

    const [answer] = await call;
    expect(answer).toMatchObject({ commandId, result: false, outcome: "unknown" });
    expect(await effects(commandId)).toBeLessThanOrEqual(1);
  });
});

describe("a Command to an agent that is away", () => {
  it("gets notSent at its deadline", async () => {
    await agent.stop();
    await cluster.untilStatus(agentId, "Disconnected");

    const [answer] = await cluster.send(agentId, [{ type: "RebootVm", vm: "vm-1" }], {
      waitSeconds: 2,
    });

    expect(answer).toMatchObject({ result: false, outcome: "notSent" });
  });

  it("is delivered when the agent returns in time", async () => {
    await agent.stop();
    await cluster.untilStatus(agentId, "Disconnected");
    const commandId = crypto.randomUUID();
    const call = send(commandId, crypto.randomUUID());

    agent = await cluster.startAgent(agentId, [gateway.agentUrl], {
      home: home(),
      config: config(),
    });

    const [answer] = await call;
    expect(answer).toMatchObject({ type: "RebootVmAnswer", commandId, result: true });
    expect(await effects(commandId)).toBe(1);
  });
});

async function send(
  commandId: string,
  requestId: string,
  type = "RebootVm",
): Promise<readonly CommandAnswer[]> {
  return await cluster.send(agentId, [{ type, id: commandId, vm: "vm-1" }], {
    requestId,
    waitSeconds: 60,
  });
}

/** Waits until the Request is admitted and handed to the agent. */
async function running(requestId: string): Promise<void> {
  await waitUntil("the Request is with the agent", async () => {
    const { body } = await cluster.call("GET", `requests/${requestId}`);
    return (body as { handed?: boolean }).handed === true;
  });
}

/** Waits until the agent says on disk that it has begun. */
async function started(commandId: string): Promise<void> {
  const journal = join(home(), "agents", agentId, "journal.jsonl");
  await waitUntil("the Command has begun", () =>
    readFileSync(journal, "utf8")
      .split("\n")
      .some((line) => line.includes('"started"') && line.includes(commandId)),
  );
}

async function effects(commandId: string): Promise<number> {
  const [answer] = await cluster.send(agentId, [{ type: "SimulatorReport" }]);
  return (answer?.["effects"] as Readonly<Record<string, number>>)[commandId] ?? 0;
}
