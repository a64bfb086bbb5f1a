import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { undeclaredTraits, type WireCommand } from "../../../src/api/index.ts";
import { findRequestAgent } from "../../../src/db/index.ts";
import type { CallerRequest } from "../../../src/gateway/command-lanes.ts";
import {
  agentWorkflowId,
  cancelUpdate,
  requestQuery,
  stateQuery,
} from "../../../src/workflows/agent-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand, isError, TestAgent, type Hello, type Seen } from "./test-agent.ts";
import { joinToken, startTestGateway, testConfig, useGateway, useWorker } from "./test-gateway.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const shared = useGateway(temporal, database);
const agents: TestAgent[] = [];

afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
});

async function connect(hello: Hello = {}): Promise<TestAgent> {
  return await connectTo(shared.gateway.agentUrl, hello);
}
/** Connected, and Up by its lifecycle too: before that Commands are refused. */
async function connectTo(url: string, hello: Hello = {}): Promise<TestAgent> {
  const agent = await TestAgent.connect(url, { joinToken, ...hello });
  agents.push(agent);
  const id = agent.ping();
  await agent.next("a PingAnswer", (frame) => frame.answers?.[0]?.commandId === id);
  const handle = temporal.client.workflow.getHandle(agentWorkflowId(agent.agentId));
  await waitUntil("Up", async () => (await handle.query(stateQuery)).status === "Up");
  return agent;
}
function request(commands: readonly Omit<WireCommand, "id">[], waitSeconds = 60): CallerRequest {
  return {
    requestId: randomUUID(),
    commands: commands.map((command) => ({ id: randomUUID(), ...command }) as WireCommand),
    onError: "stop",
    waitSeconds,
  };
}
const isAck = (frame: Seen): boolean => frame.kind === "ack";
async function record(agentId: string, requestId: string) {
  return await temporal.client.workflow
    .getHandle(agentWorkflowId(agentId))
    .query(requestQuery, requestId);
}

describe("durable lane", () => {
  it("durable lane - Commands reach the agent in order, Answers the caller, the ack comes once Temporal has them", async () => {
    const agent = await connect();
    const asked = request([
      { type: "StopVm", vm: "a" },
      { type: "StartVm", vm: "a" },
    ]);
    const answered = shared.gateway.lanes.sendDurable(agent.agentId, asked);
    const got = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    expect(got).toMatchObject({ lane: "durable", inSequence: true, onError: "stop" });
    expect(got.commands).toEqual(asked.commands);
    expect(agent.frames.some(isAck)).toBe(false);
    agent.respond(got, [
      { type: "StopVmAnswer", result: true },
      { type: "StartVmAnswer", result: true, vm: { name: "a", power: "On" } },
    ]);
    const answers = await answered;
    expect(answers).toMatchObject([
      { type: "StopVmAnswer", result: true, commandId: asked.commands[0]?.id },
      { type: "StartVmAnswer", result: true, commandId: asked.commands[1]?.id },
    ]);
    const ack = await agent.next("the ack", isAck);
    expect(ack).toMatchObject({ seq: got.seq, commandIds: asked.commands.map(({ id }) => id) });
    const view = await waitUntil("the record is settled", async () => {
      const now = await record(agent.agentId, asked.requestId);
      return now?.state === "settled" ? now : undefined;
    });
    expect(view.answers).toEqual(answers);
  });

  it("durable lane - asking again with the same request id gives the same Answers, and runs nothing again", async () => {
    const agent = await connect();
    const asked = request([{ type: "RebootVm", vm: "a" }]);
    const first = shared.gateway.lanes.sendDurable(agent.agentId, asked);
    const second = shared.gateway.lanes.sendDurable(agent.agentId, asked);
    const got = await agent.next("the Request", (frame) => isCommand(frame, "RebootVm"));
    agent.respond(got, [{ type: "RebootVmAnswer", result: true }]);
    const answers = await first;
    expect(await second).toEqual(answers);
    expect(await shared.gateway.lanes.sendDurable(agent.agentId, asked)).toEqual(answers);
    const seqs = agent.frames.filter((frame) => isCommand(frame, "RebootVm")).map(({ seq }) => seq);
    expect(new Set(seqs).size).toBe(1);
  });

  it("durable lane - a request id of another agent is refused", async () => {
    const [one, two] = [await connect(), await connect()];
    const asked = request([{ type: "StopVm", vm: "a" }], 1);
    const first = shared.gateway.lanes.sendDurable(one.agentId, asked);
    await one.next("the Request", (frame) => isCommand(frame, "StopVm"));
    await expect(shared.gateway.lanes.sendDurable(two.agentId, asked)).rejects.toMatchObject({
      code: "REQUEST_ID_TAKEN",
    });
    await first;
  });

  it("durable lane - an unknown agent is refused", async () => {
    const asked = request([{ type: "StopVm", vm: "a" }]);
    await expect(shared.gateway.lanes.sendDurable("nobody", asked)).rejects.toMatchObject({
      code: "AGENT_UNKNOWN",
    });
  });

  it("durable lane - an agent that does not answer in time: the outcome is unknown, by the record too", async () => {
    const agent = await connect();
    const asked = request([{ type: "StopVm", vm: "a" }], 1);
    const answers = await shared.gateway.lanes.sendDurable(agent.agentId, asked);
    expect(answers).toMatchObject([{ type: "ErrorAnswer", result: false, outcome: "unknown" }]);
    const view = await record(agent.agentId, asked.requestId);
    expect(view?.answers).toEqual(answers);
  });

  it("durable lane - an agent lost in the middle gets the Request again, and answers it with its next session", async () => {
    const agent = await connect();
    const asked = request([{ type: "StopVm", vm: "a" }]);
    const answered = shared.gateway.lanes.sendDurable(agent.agentId, asked);
    await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    agent.close();
    const back = await connect({ agentId: agent.agentId, secret: agent.secret });
    const again = await back.next("the Request again", (frame) => isCommand(frame, "StopVm"));
    expect(again.commands).toEqual(asked.commands);
    back.respond(again, [{ type: "StopVmAnswer", result: true }]);
    expect(await answered).toMatchObject([{ type: "StopVmAnswer", result: true }]);
    await back.next("the ack", isAck);
  });

  it("durable lane - a cancel finds the agent though it is away: right behind the Request", async () => {
    const agent = await connect();
    const asked = request([{ type: "StopVm", vm: "a" }]);
    const answered = shared.gateway.lanes.sendDurable(agent.agentId, asked);
    await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    agent.close();
    const lifecycle = temporal.client.workflow.getHandle(agentWorkflowId(agent.agentId));
    await waitUntil("lost", async () => (await lifecycle.query(stateQuery)).status !== "Up");
    const { requestId } = asked;
    expect(
      await lifecycle.executeUpdate(cancelUpdate, { args: [{ requestId, reason: "not needed" }] }),
    ).toBe("asked");
    const back = await connect({ agentId: agent.agentId, secret: agent.secret });
    const again = await back.next("the Request again", (frame) => isCommand(frame, "StopVm"));
    const cancel = await back.next("the Cancel", (frame) => isCommand(frame, "Cancel"));
    expect(cancel.commands).toMatchObject([{ seq: again.seq, details: "not needed" }]);
    expect(back.frames.indexOf(cancel)).toBe(back.frames.indexOf(again) + 1);
    back.respond(again, [{ type: "StopVmAnswer", result: false, outcome: "notSent" }]);
    expect(await answered).toMatchObject([{ outcome: "notSent" }]);
  });

  it("durable lane - a Request for an agent that is away is delivered when it returns", async () => {
    const agent = await connect();
    agent.goodbye("reboot");
    await agent.untilClosed();
    const asked = request([{ type: "StopVm", vm: "a" }]);
    const answered = shared.gateway.lanes.sendDurable(agent.agentId, asked);
    const back = await connect({ agentId: agent.agentId, secret: agent.secret });
    const got = await back.next("the Request", (frame) => isCommand(frame, "StopVm"));
    back.respond(got, [{ type: "StopVmAnswer", result: true }]);
    expect(await answered).toMatchObject([{ type: "StopVmAnswer", result: true }]);
  });

  it("durable lane - a caller that is gone keeps nobody: the agent is acked, the record settled", async () => {
    const agent = await connect();
    const asked = request([{ type: "StopVm", vm: "a" }]);
    // The caller left: nobody looks at the promise any more.
    shared.gateway.lanes.sendDurable(agent.agentId, asked).catch(() => undefined);
    const got = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    agent.respond(got, [{ type: "StopVmAnswer", result: true }]);
    await agent.next("the ack", isAck);
    await waitUntil(
      "settled",
      async () => (await record(agent.agentId, asked.requestId))?.state === "settled",
    );
  });

  it("durable lane - Answers that do not fit their Request are dropped with an error, not acked", async () => {
    const agent = await connect();
    const asked = request([{ type: "StopVm", vm: "a" }]);
    const answered = shared.gateway.lanes.sendDurable(agent.agentId, asked);
    const got = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    agent.respond(got, [{ type: "StopVmAnswer", result: true, commandId: "another" }]);
    await agent.next("an error", (frame) => isError(frame, "WRONG_ANSWERS"));
    expect(agent.frames.some(isAck)).toBe(false);
    agent.respond(got, [{ type: "StopVmAnswer", result: true }]);
    expect(await answered).toMatchObject([{ result: true }]);
  });

  it("durable lane - Answers to what was never asked reach no other agent and no caller", async () => {
    const [victim, liar] = [await connect(), await connect()];
    const asked = request([{ type: "StopVm", vm: "a" }]);
    const answered = shared.gateway.lanes.sendDurable(victim.agentId, asked);
    const got = await victim.next("the Request", (frame) => isCommand(frame, "StopVm"));
    liar.respond(got, [{ type: "StopVmAnswer", result: true, details: "a lie" }]);
    await liar.next("the ack", isAck);
    victim.respond(got, [{ type: "StopVmAnswer", result: true, details: "the truth" }]);
    expect(await answered).toMatchObject([{ details: "the truth" }]);
  });

  it("durable lane - a gateway that stops tells its callers how to learn the rest", async () => {
    const gateway = await startTestGateway(testConfig(temporal, database.url));
    const agent = await connectTo(gateway.agentUrl);
    const asked = request([{ type: "StopVm", vm: "a" }]);
    const answered = gateway.lanes.sendDurable(agent.agentId, asked);
    await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
    await gateway.stop();
    expect(await answered).toMatchObject([{ outcome: "unknown", errorCode: "NO_NEWS" }]);
    expect(agent.closed?.code).toBe(1001);
    const back = await connect({ agentId: agent.agentId, secret: agent.secret });
    const again = await back.next("the Request again", (frame) => isCommand(frame, "StopVm"));
    back.respond(again, [{ type: "StopVmAnswer", result: true }]);
    expect(await shared.gateway.lanes.sendDurable(agent.agentId, asked)).toMatchObject([
      { type: "StopVmAnswer", result: true },
    ]);
  });
});

describe("Commands with secrets, without a payload key", () => {
  const secretFields = ["password"];
  const commandTypes = {
    SetPassword: { ...undeclaredTraits, secretFields },
    CheckPassword: { ...undeclaredTraits, readOnly: true, secretFields },
  };

  it("durable lane - is refused before anything is noted, also where the agent is held elsewhere", async () => {
    const agent = await connect({ commandTypes });
    const other = await startTestGateway(testConfig(temporal, database.url));
    for (const { lanes } of [shared.gateway, other]) {
      const asked = request([{ type: "SetPassword", password: "correct horse" }]);
      const refusal: unknown = await lanes
        .sendDurable(agent.agentId, asked)
        .catch((e: unknown) => e);
      expect(refusal).toMatchObject({ code: "PAYLOAD_KEY_NEEDED" });
      expect(String(refusal)).toMatch(/password of SetPassword.*MUSTER_PAYLOAD_KEY/);
      expect(String(refusal)).not.toContain("correct horse");
      expect(await findRequestAgent(database.pool, asked.requestId)).toBeUndefined();
    }
    await other.stop();
  });

  it("direct lane - passes: nothing is stored", async () => {
    const agent = await connect({ commandTypes });
    const asked = request([{ type: "CheckPassword", password: "correct horse" }]);
    const answered = shared.gateway.lanes.sendDirect(agent.agentId, asked);
    const got = await agent.next("the Request", (frame) => isCommand(frame, "CheckPassword"));
    expect(got.commands).toEqual(asked.commands);
    agent.respond(got, [{ type: "CheckPasswordAnswer", result: true }]);
    expect(await answered).toMatchObject([{ result: true }]);
  });
});

describe("direct lane", () => {
  it("direct lane - a thousand read-only Commands go out and back, each to its own caller", async () => {
    const agent = await connect();
    agent.socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString("utf8")) as Seen;
      if (frame.lane !== "direct") return;
      agent.respond(frame, [
        { type: "ListVmsAnswer", result: true, details: frame.commands?.[0]?.id },
      ]);
    });
    const asked = Array.from({ length: 1_000 }, () => request([{ type: "ListVms" }]));
    const answers = await Promise.all(
      asked.map((one) => shared.gateway.lanes.sendDirect(agent.agentId, one)),
    );
    answers.forEach(([answer], i) => {
      expect(answer?.details).toBe(asked[i]?.commands[0]?.id);
    });
  });

  it("direct lane - a Command that changes something is refused, a declared read-only one is not", async () => {
    const traits = {
      inSequence: false,
      idempotent: true,
      readOnly: true,
      needsNewResources: false,
      evacuation: false,
      check: true,
      waitSeconds: 5,
    };
    const agent = await connect({ commandTypes: { ReadDial: traits } });
    const stop = request([{ type: "StopVm", vm: "a" }]);
    await expect(shared.gateway.lanes.sendDirect(agent.agentId, stop)).rejects.toMatchObject({
      code: "NOT_READ_ONLY",
    });
    const undeclared = request([{ type: "TurnDial" }]);
    await expect(shared.gateway.lanes.sendDirect(agent.agentId, undeclared)).rejects.toMatchObject({
      code: "NOT_READ_ONLY",
    });
    const read = shared.gateway.lanes.sendDirect(agent.agentId, request([{ type: "ReadDial" }]));
    const got = await agent.next("the Request", (frame) => isCommand(frame, "ReadDial"));
    agent.respond(got, [{ type: "ReadDialAnswer", result: true }]);
    expect(await read).toMatchObject([{ type: "ReadDialAnswer" }]);
  });

  it("direct lane - an agent that does not answer in time, or goes away: the outcome is unknown", async () => {
    const agent = await connect();
    const late = await shared.gateway.lanes.sendDirect(
      agent.agentId,
      request([{ type: "ListVms" }], 0.2),
    );
    expect(late).toMatchObject([{ outcome: "unknown", errorCode: "WAIT_OVER" }]);
    const lost = shared.gateway.lanes.sendDirect(agent.agentId, request([{ type: "ListVms" }]));
    agent.close();
    expect(await lost).toMatchObject([{ outcome: "unknown", errorCode: "AGENT_LOST" }]);
  });

  it("direct lane - says where the agent is: elsewhere, nowhere, or not at all", async () => {
    const other = await startTestGateway(testConfig(temporal, database.url));
    try {
      const agent = await connectTo(other.agentUrl);
      const ask = (agentId: string) =>
        shared.gateway.lanes.sendDirect(agentId, request([{ type: "ListVms" }]));
      await expect(ask(agent.agentId)).rejects.toMatchObject({
        code: "AGENT_ELSEWHERE",
        apiUrl: "http://127.0.0.1:1",
      });
      await expect(ask("nobody")).rejects.toMatchObject({ code: "AGENT_UNKNOWN" });
      agent.close();
      await waitUntil("the session's row is closed", () =>
        ask(agent.agentId).then(
          () => false,
          (error: unknown) => (error as { code?: string }).code === "AGENT_NOT_CONNECTED",
        ),
      );
    } finally {
      await other.stop();
    }
  });

  it("durable lane - reaches an agent that another gateway holds", async () => {
    const other = await startTestGateway(testConfig(temporal, database.url));
    try {
      const agent = await connectTo(other.agentUrl);
      const asked = request([{ type: "StopVm", vm: "a" }]);
      const answered = shared.gateway.lanes.sendDurable(agent.agentId, asked);
      const got = await agent.next("the Request", (frame) => isCommand(frame, "StopVm"));
      agent.respond(got, [{ type: "StopVmAnswer", result: true }]);
      expect(await answered).toMatchObject([{ type: "StopVmAnswer", result: true }]);
    } finally {
      await other.stop();
    }
  });
});
