import { ApplicationFailure } from "@temporalio/common";
import { WorkflowUpdateFailedError } from "@temporalio/client";
import { expect, test } from "vitest";
import { undeclaredTraits } from "../../../src/api/index.ts";
import {
  addRecurringUpdate,
  recurringQuery,
  type AdmitMessage,
} from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, useRig } from "./rig.ts";

const rig = useRig();
const byGateway: Partial<AdmitMessage> = { replyTo: { type: "gateway", gatewayId: "g1" } };
const clear = { type: "SetPassword", id: "c-1", password: "correct horse" };

async function agentWithSecrets(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  const secretFields = ["password", "users.key"];
  await agent.connect({
    host: { commandTypes: { SetPassword: { ...undeclaredTraits, secretFields } } },
  });
  return agent;
}

test("secret fields - a gateway that brings one in clear is told what to seal, and the history never has it", async () => {
  const agent = await agentWithSecrets("unsealed");
  const error: unknown = await agent
    .admit({ ...byGateway, commands: [clear, { type: "StopVm", id: "c-2", vm: "a" }] })
    .catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  const failure = (error as WorkflowUpdateFailedError).cause;
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({
    type: "INVALID_REQUEST",
    details: [{ secretFields: { SetPassword: ["password", "users.key"] } }],
  });
  const history = JSON.stringify(await agent.handle.fetchHistory());
  const base64 = Buffer.from("correct horse").toString("base64").slice(0, 16);
  expect(history).not.toContain("correct horse");
  expect(history).not.toContain(base64);
  expect((await agent.view()).pendingRequests).toBe(0);
});

test("secret fields - sealed ones are admitted as they are; absent ones need no seal", async () => {
  const agent = await agentWithSecrets("sealed");
  const sealed = { ...clear, password: { $sealed: "k1:AAAA" }, users: [{ name: "a" }] };
  const admitted = await agent.admit({
    ...byGateway,
    commands: [sealed, { type: "SetPassword", id: "c-2" }],
  });
  expect(admitted.state).toBe("pending");
  const call = await waitUntil(
    "it is delivered",
    () => agent.edge.callsOf("deliver", agent.agentId)[0],
  );
  expect(call.args["requests"]).toMatchObject([{ commands: [sealed, { id: "c-2" }] }]);
});

test("secret fields - another client of Temporal decides for itself what it shows it", async () => {
  const agent = await agentWithSecrets("own-client");
  const replyTo = { type: "workflow", workflowId: "w", signal: "s" } as const;
  expect((await agent.admit({ commands: [clear], replyTo })).state).toBe("pending");
  expect((await agent.admit({ commands: [{ ...clear, id: "c-3" }] })).state).toBe("pending");
});

test("secret fields - none is sent again and again, whoever asks", async () => {
  const agent = await agentWithSecrets("recurring");
  const order = { name: "nightly", schedule: { everySeconds: 60 }, commands: [clear] };
  const error: unknown = await agent.handle
    .executeUpdate(addRecurringUpdate, { args: [order] })
    .catch((refusal: unknown) => refusal);
  expect((error as WorkflowUpdateFailedError).cause).toMatchObject({ type: "INVALID_REQUEST" });
  expect(await agent.handle.query(recurringQuery)).toEqual([]);
});
