import { randomUUID } from "node:crypto";
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import { MockActivityEnvironment } from "@temporalio/testing";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createTellAgentsGatewayLost } from "../../../src/activities/tell-agents-gateway-lost.ts";
import { findRoute, registerIdentity, takeEpoch } from "../../../src/db/index.ts";
import type { areComingBack, Homecoming } from "../../../src/lifecycle/lost-gateway.ts";
import {
  agentLifecycleType,
  agentWorkflowId,
  type GatewayRef,
} from "../../../src/workflows/agent-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";

const database = useDatabase();
const temporal = useTemporal();
const reason = "no heartbeat for 5 s";
const place = { zone: "z", cluster: "c", resourceType: "simulator", host: {} };
const pace = { batch: 3, batchMs: 0, atOnce: 2 };

function activity(own: Partial<typeof pace> = {}, isWaitedFor: typeof areComingBack = () => false) {
  const deps = { db: database.pool, client: temporal.client, log: pino({ level: "silent" }) };
  return createTellAgentsGatewayLost(deps, isWaitedFor, () => ({ ...pace, ...own }));
}

/** An agent whose session is on that gateway; without a worker its workflow only collects signals. */
async function agentOn(gateway: GatewayRef, withWorkflow = true): Promise<string> {
  const id = `agent-${randomUUID()}`;
  await registerIdentity(database.pool, { id, secretHash: Buffer.alloc(32), ...place });
  await takeEpoch(database.pool, { agentId: id, ...gateway, ...place });
  if (withWorkflow) {
    await temporal.client.workflow.start(agentLifecycleType, {
      workflowId: agentWorkflowId(id),
      taskQueue: "nobody-polls-this",
    });
  }
  return id;
}

async function agentsOn(gateway: GatewayRef, count: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: count }, () => agentOn(gateway)));
  return ids.toSorted();
}

async function signalsOf(agentId: string): Promise<number> {
  const handle = temporal.client.workflow.getHandle(agentWorkflowId(agentId));
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter(
    (event) => event.workflowExecutionSignaledEventAttributes?.signalName === "gatewayLost",
  ).length;
}

function aGateway(): GatewayRef {
  return { gatewayId: `g-${randomUUID()}`, incarnation: "i1" };
}

describe("tellAgentsGatewayLost", () => {
  it("tells every agent of that run once, and closes their sessions", async () => {
    const gateway = aGateway();
    const ids = await agentsOn(gateway, 7);
    const elsewhere = await agentOn({ ...gateway, incarnation: "i2" });
    const result = await new MockActivityEnvironment().run(activity(), { gateway, reason });
    expect(result).toEqual({ told: 7 });
    expect(await Promise.all(ids.map(signalsOf))).toEqual(ids.map(() => 1));
    expect(await signalsOf(elsewhere)).toBe(0);
    expect(await findRoute(database.pool, ids[0] ?? "")).toBeUndefined();
    expect(await findRoute(database.pool, elsewhere)).toBeDefined();
  });

  it("skips agents that have no running workflow", async () => {
    const gateway = aGateway();
    await agentOn(gateway, false);
    const [id = ""] = await agentsOn(gateway, 1);
    const result = await new MockActivityEnvironment().run(activity(), { gateway, reason });
    expect(result).toEqual({ told: 1 });
    expect(await signalsOf(id)).toBe(1);
  });

  it("heartbeats after each batch, and a retry goes on behind the last heartbeat", async () => {
    const gateway = aGateway();
    const ids = await agentsOn(gateway, 5);
    const first = new MockActivityEnvironment();
    const beats: unknown[] = [];
    first.on("heartbeat", (details: unknown) => {
      beats.push(details);
      first.cancel();
    });
    await expect(
      first.run(activity({ batchMs: 60_000 }), { gateway, reason }),
    ).rejects.toBeInstanceOf(Error);
    expect(beats).toEqual([{ after: ids[2], told: 3 }]);
    expect(await signalsOf(ids[3] ?? "")).toBe(0);

    const retry = new MockActivityEnvironment({ heartbeatDetails: beats[0], attempt: 2 });
    expect(await retry.run(activity(), { gateway, reason })).toEqual({ told: 5 });
    expect(await Promise.all(ids.map(signalsOf))).toEqual([1, 1, 1, 1, 1]);
  });

  it("rests between batches, so that agents that reconnect meanwhile are not crowded out", async () => {
    const gateway = aGateway();
    await agentsOn(gateway, 6);
    const started = performance.now();
    await new MockActivityEnvironment().run(activity({ batchMs: 300 }), { gateway, reason });
    expect(performance.now() - started).toBeGreaterThanOrEqual(600);
  });

  it("ends as cancelled when it is cancelled while it rests", async () => {
    const gateway = aGateway();
    await agentsOn(gateway, 1);
    const environment = new MockActivityEnvironment();
    environment.on("heartbeat", () => {
      environment.cancel();
    });
    const error: unknown = await environment
      .run(activity({ batchMs: 60_000 }), { gateway, reason })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CancelledFailure);
    expect(error).not.toBeInstanceOf(ApplicationFailure);
  });

  it("waits while agents come back, and tells only those that did not", async () => {
    const gateway = aGateway();
    const [back = "", lost = ""] = await agentsOn(gateway, 2);
    const seen: number[] = [];
    const comesBack = (left: Homecoming): boolean => {
      seen.push(left.agents);
      return left.agents > 1;
    };
    const environment = new MockActivityEnvironment();
    environment.once("heartbeat", () => {
      void takeEpoch(database.pool, { agentId: back, ...aGateway(), ...place });
    });
    const result = await environment.run(activity({}, comesBack), { gateway, reason });
    expect(result).toEqual({ told: 1 });
    expect(seen[0]).toBe(2);
    expect(seen.at(-1)).toBe(1);
    expect([await signalsOf(back), await signalsOf(lost)]).toEqual([0, 1]);
  });
});
