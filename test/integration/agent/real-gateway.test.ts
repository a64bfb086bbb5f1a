/** The container and the agent in Python with a real gateway, on real Temporal and Postgres. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { WireCommand } from "../../../src/api/index.ts";
import { agentWorkflowId, stateQuery } from "../../../src/workflows/agent-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { joinToken, useGateway, useWorker } from "../gateway/test-gateway.ts";
import { agentOptions, makeHome, startAgent, startPython } from "./agent-under-test.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const shared = useGateway(temporal, database);

async function hasStatus(agentId: string, status: string): Promise<void> {
  const handle = temporal.client.workflow.getHandle(agentWorkflowId(agentId));
  await waitUntil(
    `${agentId} is ${status}`,
    async () => (await handle.query(stateQuery)).status === status,
    { timeoutMs: 60_000 },
  );
}

function request(command: Omit<WireCommand, "id">) {
  const id = randomUUID();
  return {
    requestId: randomUUID(),
    commands: [{ ...command, id } as WireCommand],
    onError: "stop" as const,
    waitSeconds: 60,
  };
}

describe("real gateway", () => {
  test("container - connects, answers on both lanes, its journal is acknowledged, says goodbye", async () => {
    const home = makeHome();
    const options = { ...agentOptions(home, [shared.gateway.agentUrl]), joinToken };
    const agent = startAgent(options);
    await hasStatus("a1", "Up");
    const stop = request({ type: "StopVm", vm: "vm-1" });
    expect(await shared.gateway.lanes.sendDurable("a1", stop)).toMatchObject([
      { type: "StopVmAnswer", result: true, vm: { power: "Off" } },
    ]);
    const list = await shared.gateway.lanes.sendDirect("a1", request({ type: "ListVms" }));
    expect(list).toMatchObject([{ vms: [{ power: "Off" }, { power: "On" }] }]);
    const journal = join(home.agentDirectory, "journal.jsonl");
    await waitUntil("the ack is noted", () => readFileSync(journal, "utf8").includes('"acked"'));
    await agent.stop();
    await hasStatus("a1", "Disconnected");
    // The same secret, and no join token any more.
    startAgent({ ...options, joinToken: undefined });
    await hasStatus("a1", "Up");
    expect(home.effectsOf(stop.commands[0]?.id ?? "")).toBe(1);
  });

  test("agent in Python - connects, carries out a durable Command, says goodbye", async () => {
    const home = makeHome().path;
    const agent = startPython([shared.gateway.agentUrl], home, joinToken);
    await hasStatus("heater-1", "Up");
    const set = request({ type: "SetTarget", celsius: 22 });
    expect(await shared.gateway.lanes.sendDurable("heater-1", set)).toMatchObject([
      { type: "SetTargetAnswer", result: true, celsius: 22 },
    ]);
    const read = request({ type: "ReadTemperature" });
    expect(await shared.gateway.lanes.sendDirect("heater-1", read)).toMatchObject([
      { celsius: 21.5 },
    ]);
    await agent.end("SIGTERM");
    await hasStatus("heater-1", "Disconnected");
    expect(readFileSync(join(home, "targets.txt"), "utf8")).toBe(`${set.commands[0]?.id} 22\n`);
  });
});
