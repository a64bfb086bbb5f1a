/** What a gateway asks its agents for lifecycles: whether they live, and what they see of a lost host. */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { CheckOnHostAnswer, Finding, HostToCheck } from "../../../src/api/index.ts";
import type { GatewayActivities } from "../../../src/workflows/activity-types.ts";
import { gatewayTaskQueue } from "../../../src/workflows/agent-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { isCommand, TestAgent, type Json, type Seen } from "./test-agent.ts";
import { joinToken, useGateway, useWorker } from "./test-gateway.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const shared = useGateway(temporal, database);
const agents: TestAgent[] = [];

afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
});

async function connect(): Promise<TestAgent> {
  const agent = await TestAgent.connect(shared.gateway.agentUrl, { joinToken });
  agents.push(agent);
  const id = agent.ping();
  await agent.next("a PingAnswer", (frame) => frame.answers?.[0]?.commandId === id);
  return agent;
}

/** How a lifecycle runs activities of the gateway: on its task queue. */
const gateway = () => temporal.client.activity.typed<GatewayActivities>();
const once = <Args>(args: Args) => ({
  id: randomUUID(),
  taskQueue: gatewayTaskQueue(shared.gateway.gatewayId),
  args: [args] as [Args],
  startToCloseTimeout: "60s" as const,
  retry: { maximumAttempts: 1 },
});

/** Answers the agent's next Command of that type; gives the Request as the agent saw it. */
async function answer(agent: TestAgent, type: string, fields: Json): Promise<Seen> {
  const request = await agent.next(type, (frame) => isCommand(frame, type));
  agent.respond(request, [{ type: `${type}Answer`, ...fields }]);
  return request;
}

describe("askNeighbour", () => {
  const host: HostToCheck = { agentId: "lost-host", address: "192.0.2.7", probePorts: [22] };
  const askAbout = (agentId: string, timeoutMs = 30_000): Promise<CheckOnHostAnswer> =>
    gateway().execute("askNeighbour", once({ agentId, host, timeoutMs }));

  it("askNeighbour - what the neighbour says of the host is passed on as it is", async () => {
    const agent = await connect();
    const asked = askAbout(agent.agentId);
    const said = { result: true, seen: false, details: "22 is silent", proofOfDeath: "it is out" };
    const request = await answer(agent, "CheckOnHost", said);
    const [command] = request.commands ?? [];
    expect(request).toMatchObject({ lane: "direct", waitMs: 30_000, commands: [{ host }] });
    expect(await asked).toEqual({ type: "CheckOnHostAnswer", commandId: command?.id, ...said });
  });

  it("askNeighbour - of a foreign Answer only what fits a history is left", async () => {
    const agent = await connect();
    const asked = askAbout(agent.agentId);
    const request = await answer(agent, "CheckOnHost", {
      result: true,
      seen: "certainly",
      details: "d".repeat(10_000),
      proofOfDeath: { is: "no text" },
      more: "of it",
    });
    expect(await asked).toEqual({
      type: "CheckOnHostAnswer",
      commandId: request.commands?.[0]?.id,
      result: true,
      details: "d".repeat(500),
    });
  });

  it("askNeighbour - a neighbour that knows no such Command, or does not answer in time, saw nothing", async () => {
    const agent = await connect();
    const unsupported = askAbout(agent.agentId);
    const request = await agent.next("CheckOnHost", (frame) => isCommand(frame, "CheckOnHost"));
    agent.respond(request, [{ type: "UnsupportedAnswer", result: false, details: "no such" }]);
    expect(await unsupported).toMatchObject({ result: false, details: "no such" });

    const silent = await askAbout(agent.agentId, 300);
    expect(silent).toMatchObject({ type: "CheckOnHostAnswer", result: false });
    expect(silent).not.toHaveProperty("seen");
    expect(agent.frames.filter((frame) => isCommand(frame, "CheckOnHost"))).toHaveLength(2);
  });

  it("askNeighbour - a neighbour without a session here was not asked", async () => {
    expect(await askAbout("elsewhere")).toMatchObject({
      type: "CheckOnHostAnswer",
      result: false,
      outcome: "notSent",
    });
  });
});

describe("investigateByAgent", () => {
  const host = {
    zone: "z1",
    cluster: "c1",
    resourceType: "simulator",
    software: "",
    resources: [],
  };
  const investigate = (agentId: string, epoch: number, timeoutMs = 30_000): Promise<Finding> =>
    gateway().execute("investigateByAgent", once({ agentId, epoch, host, timeoutMs }));

  it("investigateByAgent - any Answer proves the agent alive, a bad one too", async () => {
    const agent = await connect();
    const asked = investigate(agent.agentId, agent.epoch);
    await answer(agent, "CheckHealth", { result: false, details: "disk failing" });
    const finding = await asked;
    expect(finding.verdict).toBe("Up");
    expect(finding.evidence).toContain("disk failing");
  });

  it("investigateByAgent - silence, and another session, prove nothing", async () => {
    const agent = await connect();
    const { verdict, evidence } = await investigate(agent.agentId, agent.epoch, 300);
    expect(verdict).toBe("Unknown");
    expect(evidence).toContain("not answered");
    const ofOther = await investigate(agent.agentId, agent.epoch + 1);
    expect(ofOther.verdict).toBe("Unknown");
    expect(ofOther.evidence).toContain("socket is gone");
    expect(agent.frames.filter((frame) => isCommand(frame, "CheckHealth"))).toHaveLength(1);
  });
});
