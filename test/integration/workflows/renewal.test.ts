import type { WorkflowHandle } from "@temporalio/client";
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  balancerQuery,
  balancerType,
  balancerWorkflowId,
} from "../../../src/workflows/balancer-messages.ts";
import {
  gatewayLifecycleType,
  gatewayStateQuery,
} from "../../../src/workflows/gateway-messages.ts";
import { renewSignal } from "../../../src/workflows/renewal-messages.ts";
import {
  balancerStartOptions,
  gatewayStartOptions,
  webhookStartOptions,
} from "../../../src/workflows/start-options.ts";
import { webhookDeliveryType } from "../../../src/workflows/webhook-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, g1, useRig } from "./rig.ts";

const rig = useRig();

/** Asks for a new run and waits for it. */
async function renewed(handle: WorkflowHandle): Promise<void> {
  const current = rig.temporal.client.workflow.getHandle(handle.workflowId);
  const { runId } = await current.describe();
  await current.signal(renewSignal);
  await waitUntil("it goes on in a new run", async () => {
    const { runId: now, status } = await current.describe();
    return now !== runId && status.name === "RUNNING";
  });
}

describe("a workflow that is asked to renew", () => {
  it("agent - goes on in a new run with all that it knew, in the middle of work too", async () => {
    const agent = new AgentUnderTest(rig, "renewed");
    await agent.connect();
    await agent.becomes("Up");
    await agent.admit({ requestId: "open", waitSeconds: 3_000, via: { ...g1, epoch: 1 } });
    await renewed(agent.handle);
    expect(await agent.view()).toMatchObject({ status: "Up", epoch: 1, pendingRequests: 1 });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Disconnected");
    await renewed(agent.handle);
    expect(await agent.view()).toMatchObject({ status: "Disconnected", pendingRequests: 1 });
    await agent.connect({ epoch: 2 });
    await agent.becomes("Up");
  });

  it("gateway - keeps what it believes", async () => {
    const { client } = rig.temporal;
    const options = gatewayStartOptions(`g-${randomUUID()}`);
    const handle = await client.workflow.start(gatewayLifecycleType, options);
    await renewed(handle);
    const current = client.workflow.getHandle(handle.workflowId);
    expect(await current.query(gatewayStateQuery)).toMatchObject({ state: "lost" });
  });

  it("webhook - does so in the middle of a round, and while it is paused", async () => {
    const { client } = rig.temporal;
    const options = webhookStartOptions(`wh-${randomUUID()}`, "endpoint.example");
    const handle = await client.workflow.start(webhookDeliveryType, options);
    await renewed(handle);
    rig.edge.rounds.push({ state: "paused", reason: "a test" });
    await waitUntil("the round is taken", () => rig.edge.rounds.length === 0);
    await renewed(handle);
    rig.edge.rounds.push({ state: "removed" }, { state: "removed" }, { state: "removed" });
    await client.workflow.getHandle(handle.workflowId).result();
    rig.edge.rounds.length = 0;
  });

  it("balancer - does so while it rests", async () => {
    const { client } = rig.temporal;
    const handle = await client.workflow.start(balancerType, balancerStartOptions());
    await renewed(handle);
    const current = client.workflow.getHandle(balancerWorkflowId);
    expect(await current.query(balancerQuery)).toBeDefined();
    await current.terminate();
  });
});
