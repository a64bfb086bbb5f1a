/** Requests that the lifecycle sends by itself. Their rules are tested on virtual time; here they meet the real Temporal. */
import { describe, expect, test } from "vitest";
import type { WireCommand } from "../../../src/api/index.ts";
import {
  addRecurringUpdate,
  agentWorkflowId,
  operatorUpdates,
  recurringQuery,
  removeRecurringUpdate,
} from "../../../src/workflows/agent-messages.ts";
import type { AddRecurringMessage } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, refusal, useRig } from "./rig.ts";

const rig = useRig();
const health: AddRecurringMessage = {
  name: "health",
  commands: [{ type: "CheckHealth", deep: true }],
  schedule: { everySeconds: 10 },
  onError: "continue",
  by: "ada",
};

async function connected(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  await agent.connect();
  await agent.becomes("Up");
  return agent;
}
function add(agent: AgentUnderTest, message: Partial<AddRecurringMessage> = {}) {
  return agent.handle.executeUpdate(addRecurringUpdate, { args: [{ ...health, ...message }] });
}
async function recurring(agent: AgentUnderTest) {
  return await agent.handle.query(recurringQuery);
}

describe("recurring Requests", () => {
  test("turns - survive a renewal, a worker's restart and a reconnect; one of an absent agent is left out", async () => {
    const [agent, absent] = [await connected("recurring"), await connected("recurring-absent")];
    await absent.disconnect({ type: "goodbye", reason: "stop" });
    await absent.becomes("Disconnected");
    // Long enough for what happens before its turn, also on a busy machine.
    const schedule = { everySeconds: 20 };
    const [added] = await Promise.all([add(agent, { schedule }), add(absent)]);
    const { commands, onError } = health;
    expect(added).toMatchObject({
      name: "health",
      commands,
      onError,
      schedule,
      runs: 0,
      failed: 0,
      skipped: 0,
    });
    const { runId } = await agent.handle.describe();
    await waitUntil("it is renewed", async () => {
      await Promise.all(Array.from({ length: 40 }, () => agent.ping()));
      return (await agent.handle.describe()).runId !== runId;
    });
    await rig.restartLifecycles();
    await agent.connect({ epoch: 2 });
    expect(await recurring(agent)).toEqual([added]);

    const [call] = await waitUntil("its turn comes", () => {
      const calls = agent.edge.callsOf("deliver", agent.agentId);
      return calls.length > 0 && calls;
    });
    expect(call?.args).toMatchObject({
      epoch: 2,
      requests: [{ onError: "continue", commands: [{ type: "CheckHealth", deep: true }] }],
    });
    const [request] = call?.args["requests"] as { seq: number; commands: WireCommand[] }[];
    await agent.answer(request?.seq ?? 0, request?.commands[0]?.id ?? "");
    const [ran] = await waitUntil("its run has its Answers", async () => {
      const views = await recurring(agent);
      return views[0]?.lastRun?.answers !== undefined && views;
    });
    expect(ran).toMatchObject({ runs: 1, failed: 0, skipped: 0 });
    expect(ran?.lastRun?.answers).toMatchObject([{ result: true }]);
    const laterMs = Date.parse(ran?.nextAt ?? "") - Date.parse(added.nextAt);
    expect([laterMs > 0, laterMs % 20_000]).toEqual([true, 0]);

    const [left] = await waitUntil("the absent one's turn is left out", async () => {
      const views = await recurring(absent);
      return (views[0]?.skipped ?? 0) > 0 && views;
    });
    expect(left).toMatchObject({ runs: 0 });
    expect(left?.lastSkip?.reason).toContain("away");
    expect(absent.edge.callsOf("deliver", absent.agentId)).toEqual([]);

    const name = { name: "health" };
    const remove = () => agent.handle.executeUpdate(removeRecurringUpdate, { args: [name] });
    expect([await remove(), await remove()]).toEqual([{ removed: true }, { removed: false }]);
    expect(await recurring(agent)).toEqual([]);
    await agent.saw("recurringAdded", "recurringRemoved");
    // What recurs ends with its agent, and does not keep its lifecycle running.
    await absent.handle.executeUpdate(operatorUpdates.remove, { args: [{}] });
    await rig.temporal.client.workflow.getHandle(agentWorkflowId(absent.agentId)).result();
    expect(await recurring(absent)).toEqual([]);
  });

  test("orders - are refused with what to change, before anything is recorded", async () => {
    const agent = await connected("recurring-refused");
    await add(agent, { schedule: { cron: "*/5 * * * *", timezone: "Europe/Berlin" } });
    const before = (await agent.history()).filter((type) => type.includes("Update"));
    const wrong: Record<string, unknown>[] = [
      { name: "" },
      { commands: [] },
      { schedule: {} },
      { schedule: { cron: "* * * * *", everySeconds: 60 } },
      { schedule: { cron: "every day" } },
      { schedule: { cron: "* * * * *", timezone: "Moon/Sea" } },
      { schedule: { everySeconds: 1 } },
      { waitSeconds: 0 },
    ];
    for (const fields of wrong) {
      expect(await refusal(add(agent, fields)), JSON.stringify(fields)).toBe("INVALID_REQUEST");
    }
    const large = [{ type: "WriteFile", data: "x".repeat(100_000) }];
    expect(await refusal(add(agent, { name: "large", commands: large }))).toBe(
      "TOO_MANY_RECURRING",
    );
    expect((await agent.history()).filter((type) => type.includes("Update"))).toEqual(before);
    // The very same again is no news; null is absent.
    await add(agent, {
      schedule: { cron: "*/5 * * * *", timezone: "Europe/Berlin" },
      waitSeconds: null as never,
    });
    const events = await agent.saw("recurringAdded");
    expect(events.filter(({ type }) => type === "recurringAdded")).toHaveLength(1);
  });
});
