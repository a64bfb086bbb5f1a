import { randomUUID } from "node:crypto";
import { Client, type WorkflowClient } from "@temporalio/client";
import { describe, expect, it } from "vitest";
import { pino } from "pino";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { createDataConverter } from "../../../src/temporal/data-converter.ts";
import {
  agentLifecycleType,
  agentWorkflowId,
  pendingQuery,
  stateQuery,
} from "../../../src/workflows/agent-messages.ts";
import { gatewayWorkflowId } from "../../../src/workflows/gateway-messages.ts";
import { agentStartOptions, searchAttributeKeys } from "../../../src/workflows/start-options.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand, TestAgent } from "../gateway/test-agent.ts";
import { joinToken, useGateway, useWorker } from "../gateway/test-gateway.ts";
import { encodingOf, storedPayloads } from "./payloads.ts";

const payloadKey = newKeyEntry("k1");
const keyring = Keyring.parse(payloadKey);
const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database, keyring);
const shared = useGateway(temporal, database, { MUSTER_PAYLOAD_KEY: payloadKey });

/** As a process of Muster with these keys. */
function workflowsWith(keys: Keyring): WorkflowClient {
  const { connection, options } = temporal.client;
  const dataConverter = createDataConverter(keys, pino({ level: "silent" }));
  return new Client({ connection, namespace: options.namespace, dataConverter }).workflow;
}

async function upAgent(): Promise<TestAgent> {
  const agent = await TestAgent.connect(shared.gateway.agentUrl, { joinToken });
  agent.ping();
  const handle = workflowsWith(keyring).getHandle(agentWorkflowId(agent.agentId));
  await waitUntil("Up", async () => (await handle.query(stateQuery)).status === "Up");
  return agent;
}

describe("with a payload key", () => {
  it("an agent's life - stands encrypted in Temporal: arguments, Updates, signals, results, summaries", async () => {
    const agent = await upAgent();
    const { agentId } = agent;
    const commands = [{ type: "StopVm", id: randomUUID(), vm: "vm-of-somebody" }];
    const answered = shared.gateway.lanes.sendDurable(agentId, {
      requestId: randomUUID(),
      commands,
      onError: "stop",
    });
    const request = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    expect(request.commands).toEqual(commands);
    agent.respond(request, [{ type: "StopVmAnswer", result: true }]);
    expect(await answered).toMatchObject([{ type: "StopVmAnswer", result: true }]);
    const stored = await storedPayloads(temporal.client, agentWorkflowId(agentId));
    // A local activity's marker has notes of the SDK's own beside the result: its name, its times.
    const ours = stored.filter(({ place }) => !/markerRecorded.*details.data/.test(place));
    const open = ours.filter((one) => encodingOf(one) !== "binary/encrypted");
    expect(open.map(({ place }) => place)).toEqual([]);
    const places = stored.map(({ place }) => place).join("\n");
    expect(places).toMatch(/signaled/i);
    expect(places).toMatch(/UpdateAccepted.*acceptedRequest/);
    expect(places).toMatch(/UpdateCompleted.*outcome/);
    expect(places).toMatch(/userMetadata.summary/);
    expect(places).toMatch(/markerRecorded/);
    agent.close();
  });

  it("a gateway's lease - is encrypted, heartbeats and all", async () => {
    const id = gatewayWorkflowId(shared.gateway.gatewayId);
    const stored = await waitUntil("the lease is asked for", async () => {
      const all = await storedPayloads(temporal.client, id);
      return all.some(({ place }) => /activityTaskScheduled/.test(place)) && all;
    });
    expect(new Set(stored.map(encodingOf))).toEqual(new Set(["binary/encrypted"]));
  });

  it("search attributes and ids - stay readable, and find the agent", async () => {
    const agent = await upAgent();
    const found = await waitUntil("visibility has it", async () => {
      const query = `WorkflowId = '${agentWorkflowId(agent.agentId)}' AND MusterStatus = 'Up'`;
      const listed = temporal.client.workflow.list({ query });
      for await (const one of listed) return one;
      return undefined;
    });
    expect(found.typedSearchAttributes.get(searchAttributeKeys.zone)).toBe("z1");
    agent.close();
  });

  it("queries and current details - are for those with the key alone", async () => {
    const agent = await upAgent();
    const id = agentWorkflowId(agent.agentId);
    const metadata = await workflowsWith(keyring)
      .getHandle(id)
      .query<{ currentDetails: string }>("__temporal_workflow_metadata");
    expect(metadata.currentDetails).toContain(`${agent.agentId}: Up`);
    const blind = temporal.client.workflow.getHandle(id).query(pendingQuery);
    await expect(blind).rejects.toThrow(/binary\/encrypted/);
    await expect(
      workflowsWith(Keyring.parse(newKeyEntry("k9")))
        .getHandle(id)
        .query(pendingQuery),
    ).rejects.toThrow(/key k1.*MUSTER_PAYLOAD_KEY.*k9/);
    agent.close();
  });

  it("a refused Update - says why to the gateway", async () => {
    const agent = await upAgent();
    const commands = [
      { type: "StopVm", id: "same-id", vm: "a" },
      { type: "StopVm", id: "same-id", vm: "b" },
    ];
    await expect(
      shared.gateway.lanes.sendDurable(agent.agentId, {
        requestId: randomUUID(),
        commands,
        onError: "stop",
      }),
    ).rejects.toMatchObject({ code: "DUPLICATE_COMMAND_ID" });
    agent.close();
  });

  it("memo and the longest summary - fit, and come back", async () => {
    const agentId = "memo";
    const gateway = { gatewayId: "g", incarnation: "i" };
    // Three bytes each in UTF-8, and longer than any summary may be.
    const place = "\u754c".repeat(128);
    const host = {
      zone: place,
      cluster: place,
      resourceType: place,
      software: "t",
      resources: [],
    };
    const settings = {
      pingIntervalMs: 60_000,
      pingTimeoutMultiplier: 2.5,
      reconnectGraceMs: 0,
      alertWaitMs: 0,
      investigateRetryMs: 1,
    };
    const { args, ...options } = agentStartOptions(agentId, { epoch: 1, gateway, host, settings });
    const handle = await workflowsWith(keyring).start(agentLifecycleType, {
      ...options,
      args,
      memo: { note: "for those with the key" },
    });
    expect((await handle.describe()).memo).toEqual({ note: "for those with the key" });
    const { staticSummary } = await handle.describe();
    expect(await staticSummary()).toMatch(/^\u754c{80}/);
    await handle.terminate();
  });
});
