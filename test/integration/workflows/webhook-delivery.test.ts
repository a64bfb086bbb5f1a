import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { webhookStartOptions } from "../../../src/workflows/start-options.ts";
import { resumedSignal, webhookDeliveryType } from "../../../src/workflows/webhook-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useRig } from "./rig.ts";

const rig = useRig();

async function start() {
  const id = `wh-${randomUUID().slice(0, 8)}`;
  return await rig.temporal.client.workflow.start(
    webhookDeliveryType,
    webhookStartOptions(id, "endpoint.example"),
  );
}
const taken = (left = 0) => waitUntil("the rounds are taken", () => rig.edge.rounds.length <= left);

describe("webhookDelivery", () => {
  it("rounds - follow one another, and a removed webhook ends it", async () => {
    rig.edge.rounds.push({ state: "goOn", delivered: 1 }, { state: "goOn", delivered: 0 });
    const handle = await start();
    await taken();
    rig.edge.rounds.push({ state: "removed" });
    await handle.result();
  });

  it("paused - waits until it is resumed, also when that came before the round had ended", async () => {
    rig.edge.rounds.push({ state: "goOn", delivered: 1 });
    const handle = await start();
    await taken();
    // The round that is open now will be told of a pause that an operator has lifted already.
    await handle.signal(resumedSignal);
    rig.edge.rounds.push(
      { state: "paused", reason: "a test" },
      { state: "paused", reason: "again" },
    );
    await taken();
    rig.edge.rounds.push({ state: "removed" });
    await waitUntil("it waits", async () => {
      const { events } = await handle.fetchHistory();
      const ended = (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes);
      return ended.length === 3;
    });
    expect(rig.edge.rounds).toHaveLength(1);
    await handle.signal(resumedSignal);
    await handle.result();
  });

  it("many rounds - its history is begun anew before it gets long", async () => {
    for (let i = 0; i < 60; i++) rig.edge.rounds.push({ state: "goOn", delivered: 1 });
    const handle = await start();
    const { runId } = await handle.describe();
    await taken();
    rig.edge.rounds.push({ state: "removed" });
    await handle.result();
    const { client } = rig.temporal;
    const last = client.workflow.getHandle(handle.workflowId);
    const { runId: lastRunId, historyLength } = await last.describe();
    expect(lastRunId).not.toBe(runId);
    expect(historyLength).toBeLessThan(310);
  });

  it("cancelled - ends at once, whatever the round does", async () => {
    const handle = await start();
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect((await handle.describe()).status.name).toBe("CANCELLED");
  });
});
