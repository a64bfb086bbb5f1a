import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { agentWorkflowId, stateQuery } from "../../../src/workflows/agent-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isAnswer, isCommand, isError, newSecret, TestAgent, type Hello } from "./test-agent.ts";
import { joinToken, useGateway, useWorker } from "./test-gateway.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const shared = useGateway(temporal, database);
const agents: TestAgent[] = [];

afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
});

async function hello(fields: Hello): Promise<TestAgent> {
  const agent = await TestAgent.hello(shared.gateway.agentUrl, fields);
  agents.push(agent);
  return agent;
}
async function connect(fields: Hello = {}): Promise<TestAgent> {
  const agent = await TestAgent.connect(shared.gateway.agentUrl, { joinToken, ...fields });
  agents.push(agent);
  return agent;
}
async function view(agentId: string) {
  return await temporal.client.workflow.getHandle(agentWorkflowId(agentId)).query(stateQuery);
}
async function refusal(agent: TestAgent): Promise<{ code: number; errorCode: string }> {
  const { code } = await agent.untilClosed();
  const answer = agent.frames[0]?.answers?.[0];
  expect(answer).toMatchObject({ type: "StartupAnswer", result: false });
  expect(answer?.details).toMatch(/\S/);
  return { code, errorCode: String(answer?.errorCode) };
}

describe("handshake", () => {
  it("handshake - a new agent with the join token is registered, told its epoch and Up", async () => {
    const agent = await connect();
    expect(agent.frames[0]).toMatchObject({
      v: 1,
      kind: "response",
      lane: "session",
      answers: [
        {
          type: "StartupAnswer",
          result: true,
          epoch: 1,
          pingIntervalMs: 60_000,
          gateways: [shared.gateway.agentUrl],
        },
      ],
    });
    const state = await waitUntil("the agent is Up", async () => {
      const now = await view(agent.agentId);
      return now.status === "Up" ? now : undefined;
    });
    expect(state).toMatchObject({
      epoch: 1,
      session: { gatewayId: shared.gateway.gatewayId },
      host: { zone: "z1", cluster: "c1", resourceType: "simulator" },
    });
  });

  it("handshake - a known agent needs no join token and gets the next epoch", async () => {
    const first = await connect();
    const second = await connect({
      agentId: first.agentId,
      secret: first.secret,
      joinToken: undefined,
    });
    expect(second.epoch).toBe(2);
  });

  it("handshake - an unknown agent without or with a wrong join token is refused", async () => {
    const none = await hello({});
    expect(await refusal(none)).toEqual({ code: 4401, errorCode: "JOIN_TOKEN_NEEDED" });
    const wrong = await hello({ joinToken: "some-other-token" });
    expect(await refusal(wrong)).toEqual({ code: 4401, errorCode: "JOIN_TOKEN_WRONG" });
  });

  it("handshake - an id can't be stolen with another secret, whatever join token comes with it", async () => {
    const owner = await connect();
    const thief = await hello({ agentId: owner.agentId, secret: newSecret(), joinToken });
    expect(await refusal(thief)).toEqual({ code: 4401, errorCode: "SECRET_WRONG" });
    owner.ping();
    await owner.next("a PingAnswer", (frame) => isAnswer(frame, "PingAnswer"));
    expect(owner.closed).toBeUndefined();
  });

  it("handshake - a resource of another type than its cluster's is refused, and no id is bound", async () => {
    await connect({ cluster: "typed" });
    const agentId = `agent-${randomUUID()}`;
    const other = await hello({ agentId, joinToken, cluster: "typed", resourceType: "kvm" });
    expect(await refusal(other)).toEqual({ code: 4403, errorCode: "RESOURCE_TYPE_MISMATCH" });
    const { rowCount } = await database.pool.query("SELECT 1 FROM agents WHERE id = $1", [agentId]);
    expect(rowCount).toBe(0);
  });

  it("handshake - a removed agent is refused", async () => {
    const agent = await connect();
    await database.pool.query("UPDATE agents SET removed_at = now() WHERE id = $1", [
      agent.agentId,
    ]);
    const again = await hello({ agentId: agent.agentId, secret: agent.secret });
    expect(await refusal(again)).toEqual({ code: 4403, errorCode: "REMOVED" });
  });

  it("handshake - an agent that answers Ready with a failure is closed and may try again", async () => {
    const agent = await hello({ joinToken });
    const ready = await agent.next("Ready", (frame) => isCommand(frame, "Ready"));
    agent.respond(ready, [{ type: "ReadyAnswer", result: false, details: "disk full" }]);
    expect((await agent.untilClosed()).code).toBe(4403);
    expect(agent.frames.some((frame) => isError(frame, "NOT_READY"))).toBe(true);
    const state = await waitUntil("the failure is known", async () => {
      const now = await view(agent.agentId);
      return now.status === "Disconnected" ? now : undefined;
    });
    expect(state.statusReason).toContain("disk full");
  });

  it("takeover - the newest session wins, and the late close of the older changes nothing", async () => {
    const first = await connect();
    await waitUntil("Up", async () => (await view(first.agentId)).status === "Up");
    const second = await connect({ agentId: first.agentId, secret: first.secret });
    expect((await first.untilClosed()).code).toBe(4409);
    expect(first.frames.some((frame) => isError(frame, "SUPERSEDED"))).toBe(true);
    second.ping();
    await second.next("a PingAnswer", (frame) => isAnswer(frame, "PingAnswer"));
    const state = await view(second.agentId);
    expect(state).toMatchObject({ status: "Up", epoch: 2 });
    const history = await temporal.client.workflow
      .getHandle(agentWorkflowId(second.agentId))
      .fetchHistory();
    const signals = (history.events ?? []).flatMap(
      (event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? [],
    );
    expect(signals).not.toContain("disconnect");
  });
});
