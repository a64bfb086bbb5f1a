import { randomUUID } from "node:crypto";
import { Client } from "@temporalio/client";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { undeclaredTraits, type CommandTraits } from "../../../src/api/index.ts";
import type { CallerRequest } from "../../../src/gateway/command-lanes.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { EncryptingCodec } from "../../../src/secrets/payload-codec.ts";
import { createDataConverter } from "../../../src/temporal/data-converter.ts";
import { agentWorkflowId, stateQuery } from "../../../src/workflows/agent-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand, TestAgent, type Hello } from "../gateway/test-agent.ts";
import {
  joinToken,
  startTestGateway,
  testConfig,
  useWorker,
  type TestGateway,
} from "../gateway/test-gateway.ts";
import { storedPayloads } from "./payloads.ts";

const [k1, k2] = [newKeyEntry("k1"), newKeyEntry("k2")];
const allKeys = Keyring.parse(`${k1},${k2}`);
const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database, allKeys);

/** `early` has yet to get the second key; `late` seals with it already. */
let early: TestGateway;
let late: TestGateway;
const agents: TestAgent[] = [];
beforeAll(async () => {
  const start = (MUSTER_PAYLOAD_KEY: string) =>
    startTestGateway(testConfig(temporal, database.url, { MUSTER_PAYLOAD_KEY }));
  [early, late] = await Promise.all([start(k1), start(`${k2},${k1}`)]);
});
afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
});
afterAll(async () => {
  await Promise.all([early.stop(), late.stop()]);
});

const traits: CommandTraits = { ...undeclaredTraits, secretFields: ["password", "users.key"] };
const declared: Hello = { commandTypes: { SetPassword: traits } };

async function connect(gateway: TestGateway, hello: Hello): Promise<TestAgent> {
  const agent = await TestAgent.connect(gateway.agentUrl, { joinToken, ...hello });
  agents.push(agent);
  agent.ping();
  const dataConverter = createDataConverter(allKeys, pino({ level: "silent" }));
  const { connection, options } = temporal.client;
  const { namespace } = options;
  const handle = new Client({ connection, namespace, dataConverter }).workflow.getHandle(
    agentWorkflowId(agent.agentId),
  );
  await waitUntil("Up, by this session", async () => {
    const { status, epoch } = await handle.query(stateQuery);
    return status === "Up" && epoch === agent.epoch;
  });
  return agent;
}

/** A Command with a secret of its own. */
function setPassword(): { readonly asked: CallerRequest; readonly secret: string } {
  const secret = `secret-${randomUUID()}`;
  const users = [{ name: "root", key: { bits: secret } }];
  const commands = [{ type: "SetPassword", id: randomUUID(), password: secret, users }];
  return { secret, asked: { requestId: randomUUID(), commands, onError: "stop", waitSeconds: 60 } };
}

/** What Temporal stores of an agent, as its UI shows it to somebody with all keys. */
async function shownOf(agentId: string): Promise<string> {
  const stored = await storedPayloads(temporal.client, agentWorkflowId(agentId));
  const decoded = await new EncryptingCodec(allKeys).decode(stored.map(({ payload }) => payload));
  return decoded.map(({ data }) => Buffer.from(data ?? []).toString("utf8")).join("\n");
}

async function answerAs(agent: TestAgent, asked: CallerRequest): Promise<void> {
  const got = await agent.next("the Request", (frame) => isCommand(frame, "SetPassword"));
  expect(got.commands).toEqual(asked.commands);
  agent.respond(got, [{ type: "SetPasswordAnswer", result: true }]);
}

describe("a Command with secrets", () => {
  it("sent through the gateway that holds the agent - reaches it as it was; Temporal shows it sealed", async () => {
    const agent = await connect(late, declared);
    const { asked, secret } = setPassword();
    const answered = late.lanes.sendDurable(agent.agentId, asked);
    await answerAs(agent, asked);
    expect(await answered).toMatchObject([{ result: true }]);
    const shown = await shownOf(agent.agentId);
    expect(shown).toMatch(/"password":\{"\$sealed":"k2:/);
    expect(shown).toContain('"name":"root"');
    expect(shown).not.toContain(secret);
  });

  it("sent through another gateway, which never saw the agent - is sealed all the same", async () => {
    const agent = await connect(late, declared);
    const { asked, secret } = setPassword();
    const answered = early.lanes.sendDurable(agent.agentId, asked);
    await answerAs(agent, asked);
    expect(await answered).toMatchObject([{ result: true }]);
    const shown = await shownOf(agent.agentId);
    expect(shown).toContain('"$sealed":"k1:');
    expect(shown).not.toContain(secret);
  });

  it("declared after the other gateway had looked - the lifecycle has it sealed before it takes it", async () => {
    const agent = await connect(late, declared);
    await database.pool.query(`UPDATE agents SET host = host - 'commandTypes' WHERE id = $1`, [
      agent.agentId,
    ]);
    const { asked, secret } = setPassword();
    const answered = early.lanes.sendDurable(agent.agentId, asked);
    await answerAs(agent, asked);
    expect(await answered).toMatchObject([{ result: true }]);
    const shown = await shownOf(agent.agentId);
    expect(shown).toContain('"$sealed":"k1:');
    expect(shown).not.toContain(secret);
  });

  it("not answered when the agent is lost - is delivered again by another gateway, opened anew", async () => {
    const agent = await connect(late, declared);
    const { asked, secret } = setPassword();
    const answered = early.lanes.sendDurable(agent.agentId, asked);
    await agent.next("the Request", (frame) => isCommand(frame, "SetPassword"));
    agent.close();
    const { agentId, secret: own } = agent;
    const back = await connect(early, { ...declared, agentId, secret: own });
    await answerAs(back, asked);
    expect(await answered).toMatchObject([{ result: true }]);
    expect(await shownOf(agentId)).not.toContain(secret);
  });

  it("sealed with a key that the agent's gateway has yet to get - waits, says why, and goes out by one that has it", async () => {
    const agent = await connect(early, declared);
    const { asked, secret } = setPassword();
    const answered = late.lanes.sendDurable(agent.agentId, asked);
    const line = await waitUntil("the gateway says why", () =>
      early.lines.find(
        ({ requestId, code }) => requestId === asked.requestId && code === "KEY_UNKNOWN",
      ),
    );
    expect(line.msg).toMatch(/key k2.*MUSTER_PAYLOAD_KEY/);
    expect(agent.frames.some((frame) => isCommand(frame, "SetPassword"))).toBe(false);
    agent.close();
    const { agentId, secret: own } = agent;
    const back = await connect(late, { ...declared, agentId, secret: own });
    await answerAs(back, asked);
    expect(await answered).toMatchObject([{ result: true }]);
    expect(JSON.stringify([...early.lines, ...late.lines])).not.toContain(secret);
  });
});
