/** A caller's workflow that sends Commands: on real lifecycles, with the agents' gateway in the test's hands. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import {
  WorkflowFailedError,
  type WorkflowHandleWithFirstExecutionRunId,
} from "@temporalio/client";
import { ApplicationFailure, type Workflow } from "@temporalio/common";
import { bundleWorkflowCode, DefaultLogger, Worker } from "@temporalio/worker";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  createCommandActivities,
  type CommandActivities,
} from "../../../src/caller-activities/index.ts";
import { undeclaredTraits, type WireCommand } from "../../../src/api/index.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { openCommand } from "../../../src/secrets/sealed-fields.ts";
import { operatorUpdates, pendingQuery } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import * as callers from "./caller-workflows.ts";
import { storedPayloads } from "../secrets/payloads.ts";
import { answerAll, delivered, given } from "./given-requests.ts";
import { AgentUnderTest, useRig } from "./rig.ts";

const rig = useRig();
const keyring = Keyring.parse(newKeyEntry("k1"));
const taskQueue = "callers";
let bundle: { readonly code: string };
let worker: Worker;
let running: Promise<void>;
let activities: CommandActivities;
/** What a test puts in front of the activities. */
let instead: Partial<CommandActivities> = {};

beforeAll(async () => {
  activities = createCommandActivities({ client: rig.temporal.client, keyring });
  bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL("caller-workflows.ts", import.meta.url)),
    logger: new DefaultLogger("ERROR"),
  });
  worker = await Worker.create({
    connection: await rig.temporal.nativeConnection(),
    namespace: rig.temporal.namespace,
    taskQueue,
    workflowBundle: bundle,
    activities: {
      musterSeal: (args) => (instead.musterSeal ?? activities.musterSeal)(args),
      musterAdmit: (args) => (instead.musterAdmit ?? activities.musterAdmit)(args),
      musterFindRequest: (args) =>
        (instead.musterFindRequest ?? activities.musterFindRequest)(args),
      musterCancel: (args) => (instead.musterCancel ?? activities.musterCancel)(args),
    } satisfies CommandActivities,
  });
  running = worker.run();
});
afterEach(() => {
  instead = {};
});
afterAll(async () => {
  worker.shutdown();
  await running;
});

async function connected(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  await agent.connect();
  await agent.becomes("Up");
  return agent;
}
async function start<T extends Workflow>(
  workflow: T,
  ...args: Parameters<T>
): Promise<WorkflowHandleWithFirstExecutionRunId<T>> {
  const workflowId = `caller-${randomUUID().slice(0, 8)}`;
  const options = { workflowId, taskQueue, args };
  return await rig.temporal.client.workflow.start<T>(workflow, options as never);
}

describe("a workflow that sends", () => {
  test("send - is admitted once under the workflow's name, and gives the Answer", async () => {
    const agent = await connected("sends");
    const caller = await start(callers.sendOne, agent.agentId);
    await answerAll(agent);
    const answer = await caller.result();
    expect(answer).toMatchObject({ type: "ListVmsAnswer", result: true });
    const { runId } = await caller.describe();
    expect(answer.commandId).toMatch(new RegExp(`^${caller.workflowId}/${runId}/1-[0-9a-f]{8}/0$`));
    // Nothing is left to be asked or delivered.
    expect(await agent.handle.query(pendingQuery)).toEqual([]);
  });

  test("sendBatch - two at once, each with its own Answers", async () => {
    const agent = await connected("batches");
    const caller = await start(callers.sendTwoBatches, agent.agentId);
    await answerAll(agent, 2);
    const [first, second] = await caller.result();
    expect([first?.length, second?.length]).toEqual([2, 2]);
    const ids = [first, second].flatMap((answers) => answers?.map(({ commandId }) => commandId));
    expect(new Set(ids).size).toBe(4);
  });

  test("replay - the caller's history replays", async () => {
    const agent = await connected("replays");
    const caller = await start(callers.sendTwoBatches, agent.agentId);
    await answerAll(agent, 2);
    await caller.result();
    await Worker.runReplayHistory(
      { workflowBundle: bundle },
      await caller.fetchHistory(),
      caller.workflowId,
    );
  });
});

describe("secret fields", () => {
  const secret = "correct horse";

  async function agentWithSecret(name: string): Promise<AgentUnderTest> {
    const agent = new AgentUnderTest(rig, name);
    const commandTypes = { SetPassword: { ...undeclaredTraits, secretFields: ["password"] } };
    await agent.connect({ host: { commandTypes } });
    await agent.becomes("Up");
    return agent;
  }
  /** Everything that a history holds, its payloads decoded. */
  async function historyOf({ workflowId }: { readonly workflowId: string }): Promise<string> {
    const payloads = await storedPayloads(rig.temporal.client, workflowId);
    return payloads.map(({ payload }) => Buffer.from(payload.data ?? []).toString("utf8")).join();
  }
  async function sent(agent: AgentUnderTest): Promise<WireCommand> {
    const [request] = await given(agent);
    await answerAll(agent);
    return request?.commands[0] as WireCommand;
  }

  test.each([
    ["named by the caller - sealed before any history has them", true],
    ["known to the agent alone - sealed before its lifecycle has them", false],
  ])("%s", async (_title, isNamed) => {
    const agent = await agentWithSecret(isNamed ? "named" : "unnamed");
    const caller = await start(callers.sendSecret, agent.agentId, isNamed);
    const command = await sent(agent);
    expect(await caller.result()).toMatchObject({ answers: [{ result: true }] });
    expect(JSON.stringify(command)).not.toContain(secret);
    expect(openCommand(keyring, agent.agentId, command)).toMatchObject({ password: secret });
    expect(await historyOf(agent.handle)).toContain("$sealed");
    expect(await historyOf(agent.handle)).not.toContain(secret);
    if (!isNamed) return;
    const history = await caller.fetchHistory();
    expect(await historyOf(caller)).toContain("$sealed");
    expect(await historyOf(caller)).not.toContain(secret);
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, caller.workflowId);
  });

  test("without a key - refused, and nothing is sent", async () => {
    const keyless = createCommandActivities({ client: rig.temporal.client });
    instead = keyless;
    for (const isNamed of [true, false]) {
      const agent = await agentWithSecret(`keyless-${isNamed}`);
      const caller = await start(callers.sendSecret, agent.agentId, isNamed);
      const failure = { code: "PAYLOAD_KEY_NEEDED", outcome: "notSent" };
      expect(await caller.result()).toEqual({ failure });
      expect(await agent.handle.query(pendingQuery)).toEqual([]);
    }
  });
});

describe("what goes wrong on the way", () => {
  test("the Answer comes before the admission is told - the workflow has it at once", async () => {
    const agent = await connected("early");
    let isOver = false;
    instead.musterAdmit = async (args) => {
      const admitted = await activities.musterAdmit(args);
      await waitUntil("the test is over", () => isOver);
      return admitted;
    };
    const caller = await start(callers.sendOne, agent.agentId);
    await answerAll(agent);
    expect(await caller.result()).toMatchObject({ result: true });
    isOver = true;
  });

  test("the activity fails after it has admitted - its retry is the same Request", async () => {
    const agent = await connected("retried");
    let tries = 0;
    instead.musterAdmit = async (args) => {
      const admitted = await activities.musterAdmit(args);
      if (++tries === 1) throw new Error("the worker is killed here");
      return admitted;
    };
    const caller = await start(callers.sendOne, agent.agentId);
    await waitUntil("it was tried again", () => tries === 2);
    await answerAll(agent);
    expect(await caller.result()).toMatchObject({ result: true });
    expect(delivered(agent)).toHaveLength(1);
  });

  test("the retry comes after the Answer - gives the same Answer", async () => {
    const agent = await connected("settled");
    const { agentId } = agent;
    let tries = 0;
    instead.musterAdmit = async (args) => {
      const replyTo = { workflowId: "nobody", signal: "none" };
      const admitted = await activities.musterAdmit({ ...args, replyTo });
      if (++tries > 1) return admitted;
      await answerAll(agent);
      await agent.settled(args.requestId);
      throw new Error("the worker is killed here");
    };
    const caller = await start(callers.sendOne, agentId);
    expect(await caller.result()).toMatchObject({ result: true });
    expect(delivered(agent)).toHaveLength(1);
  });

  test("the signal is lost - the record is looked up when the wait is over", async () => {
    const agent = await connected("lost");
    const replyTo = { workflowId: "nobody", signal: "none" };
    instead.musterAdmit = (args) => activities.musterAdmit({ ...args, replyTo });
    const caller = await start(callers.sendOne, agent.agentId, { waitSeconds: 1 });
    await answerAll(agent);
    expect(await caller.result()).toMatchObject({ type: "ListVmsAnswer", result: true });
  });

  test("stray and malformed signals - change nothing", async () => {
    const agent = await connected("strays");
    const caller = await start(callers.sendOne, agent.agentId);
    for (const stray of [undefined, 5, { requestId: "of another run", answers: [] }]) {
      await caller.signal("musterAnswers", stray);
    }
    await answerAll(agent);
    expect(await caller.result()).toMatchObject({ result: true });
  });

  test("no Answer in time - is the lifecycle's word that it is not known", async () => {
    const agent = await connected("silent");
    const caller = await start(callers.sendOne, agent.agentId, { waitSeconds: 0.5 });
    expect(await caller.result()).toMatchObject({
      type: "ErrorAnswer",
      outcome: "unknown",
      errorCode: "NO_ANSWER_IN_TIME",
    });
  });

  test("a refusal - is a CommandFailure; not caught, it fails the workflow", async () => {
    const agent = await connected("refused");
    await agent.handle.executeUpdate(operatorUpdates.unmanage, { args: [{}] });
    const told = await start(callers.tellFailure, agent.agentId);
    expect(await told.result()).toEqual({
      failure: { code: "RESOURCE_STATE", outcome: "notSent" },
    });
    const caller = await start(callers.sendOne, agent.agentId);
    const failure: unknown = await caller.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    const { cause } = failure as WorkflowFailedError;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause).toMatchObject({ type: "RESOURCE_STATE", nonRetryable: true });
  });

  test("no such agent - is a CommandFailure", async () => {
    const caller = await start(callers.tellFailure, "nobody-at-all");
    expect(await caller.result()).toEqual({
      failure: { code: "AGENT_UNKNOWN", outcome: "notSent" },
    });
  });

  test("Muster is away - the call waits, or gives up when it is told to", async () => {
    const agent = await connected("away");
    instead.musterAdmit = () => Promise.reject(new Error("no worker answers"));
    const patient = await start(callers.sendOne, agent.agentId);
    const caller = await start(callers.tellFailure, agent.agentId, { admitWithinSeconds: 1 });
    expect(await caller.result()).toEqual({
      failure: { code: "NOT_ADMITTED", outcome: "unknown" },
    });
    instead = {};
    await answerAll(agent);
    expect(await patient.result()).toMatchObject({ result: true });
  });
});

describe("a workflow that is cancelled", () => {
  test("before it sends - sends nothing", async () => {
    const agent = await connected("cancelled-before");
    const caller = await start(callers.sendCancelled, agent.agentId);
    expect(await caller.result()).toEqual({ isCancelled: true });
    expect(delivered(agent)).toEqual([]);
  });

  test("while the agent is away - the Request is cancelled, and its Answer says that nothing was sent", async () => {
    const agent = await connected("cancelled-away");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Disconnected");
    const caller = await start(callers.sendUntilStopped, agent.agentId);
    await waitUntil(
      "it is admitted",
      async () => (await agent.handle.query(pendingQuery)).length === 1,
    );
    await caller.signal(callers.stopSignal);
    expect(await caller.result()).toMatchObject({
      answers: [{ outcome: "notSent", errorCode: "CANCELLED" }],
    });
  });

  test("while the agent works - the agent is asked, and its Answer counts", async () => {
    const agent = await connected("cancelled-works");
    const caller = await start(callers.sendUntilStopped, agent.agentId);
    await given(agent);
    await caller.signal(callers.stopSignal);
    await waitUntil(
      "the agent is asked",
      () => agent.edge.callsOf("cancelRequest", agent.agentId).length === 1,
    );
    await answerAll(agent);
    expect(await caller.result()).toMatchObject({ answers: [{ result: true }] });
  });

  test("while it is being admitted - is cancelled behind the admission, not before it", async () => {
    const agent = await connected("cancelled-admitting");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    const steps: string[] = [];
    let isStopped = false;
    instead.musterAdmit = async (args) => {
      steps.push("asked");
      await waitUntil("the caller is stopped", () => isStopped);
      const admitted = await activities.musterAdmit(args);
      steps.push("admitted");
      return admitted;
    };
    instead.musterCancel = async (args) => {
      steps.push("cancelled");
      return await activities.musterCancel(args);
    };
    const caller = await start(callers.sendUntilStopped, agent.agentId);
    await waitUntil("it is being admitted", () => steps.length === 1);
    await caller.signal(callers.stopSignal);
    isStopped = true;
    expect(await caller.result()).toMatchObject({ answers: [{ errorCode: "CANCELLED" }] });
    expect(steps).toEqual(["asked", "admitted", "cancelled"]);
  });

  test("while Muster is away - rejects as cancelled, and nothing is admitted later", async () => {
    const agent = await connected("cancelled-nowhere");
    let tries = 0;
    instead.musterAdmit = () => {
      tries++;
      return Promise.reject(new Error("no worker answers"));
    };
    const caller = await start(callers.sendUntilStopped, agent.agentId);
    await waitUntil("it was tried", () => tries > 0);
    await caller.signal(callers.stopSignal);
    expect(await caller.result()).toEqual({ isCancelled: true });
    expect(delivered(agent)).toEqual([]);
  });

  test("the workflow itself - asks the agent too, and ends with its Answer", async () => {
    const agent = await connected("cancelled-whole");
    const caller = await start(callers.sendOne, agent.agentId);
    const [request] = await given(agent);
    await caller.cancel();
    await waitUntil(
      "the agent is asked",
      () => agent.edge.callsOf("cancelRequest", agent.agentId).length === 1,
    );
    await agent.answer(request?.seq ?? 0, request?.commands[0]?.id ?? "");
    expect(await caller.result()).toMatchObject({ result: true });
  });
});

describe("a workflow that goes on in another run", () => {
  test("continue-as-new - the next run waits for what the one before submitted", async () => {
    const agent = await connected("continued");
    const caller = await start(callers.submitAndContinue, agent.agentId);
    await given(agent);
    await caller.signal(callers.goOnSignal);
    await waitUntil("it is another run", async () => {
      const { runId } = await caller.describe();
      return runId !== caller.firstExecutionRunId;
    });
    await answerAll(agent);
    expect(await caller.result()).toMatchObject({ result: true });
    expect(delivered(agent)).toHaveLength(1);
  });

  test("continue-as-new behind the Answer - the next run finds it", async () => {
    const agent = await connected("found");
    const caller = await start(callers.submitAndContinue, agent.agentId);
    await answerAll(agent);
    await waitUntil("it is settled", async () => {
      return (await agent.handle.query(pendingQuery)).length === 0;
    });
    await caller.signal(callers.goOnSignal);
    expect(await caller.result()).toMatchObject({ result: true });
  });

  test("reset - what was sent behind that point is the same Request: it does not run again", async () => {
    const agent = await connected("reset");
    const caller = await start(callers.sendWhenTold, agent.agentId);
    await caller.signal(callers.goOnSignal);
    await answerAll(agent);
    const before = await caller.result();
    const { workflowId } = caller;
    const history = await caller.fetchHistory();
    const told = history.events?.find((event) => event.workflowTaskCompletedEventAttributes);
    const { client, namespace } = rig.temporal;
    await client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId },
      workflowTaskFinishEventId: told?.eventId ?? null,
      requestId: randomUUID(),
      reason: "a test",
    });
    const after = client.workflow.getHandle(workflowId);
    expect(await after.result()).toEqual(before);
    expect((await after.describe()).runId).not.toBe(caller.firstExecutionRunId);
    expect(delivered(agent)).toHaveLength(1);
  });

  test("cancel of a ticket - the Request still gives its one Answer", async () => {
    const agent = await connected("ticket");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Disconnected");
    const caller = await start(callers.submitAndCancel, agent.agentId);
    expect(await caller.result()).toMatchObject({
      cancelled: "cancelled",
      answers: [{ errorCode: "CANCELLED", outcome: "notSent" }],
    });
  });
});
