import { describe, expect, test } from "vitest";
import { recoveryWorkflowId } from "../../../src/workflows/recovery-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, useRig } from "./rig.ts";

const rig = useRig();
/** Agents whose hosts the fakes prove off, and those whose Down the brake holds back. */
const off = new Set<string>();
const held = new Set<string>();
rig.edge.investigateByPing = (agentId) =>
  Promise.resolve(
    off.has(agentId)
      ? { verdict: "Down", evidence: "asked its BMC", proof: "PowerState is Off" }
      : { verdict: "Unknown", evidence: "no reply" },
  );
rig.edge.askBrake = ({ agentId }) =>
  held.has(agentId)
    ? Promise.resolve({ held: true, reason: "in zone z1 9 of 10 hosts are lost" })
    : Promise.resolve({ held: false, reason: "no mass loss" });

const quick = {
  pingIntervalMs: 600_000,
  reconnectGraceMs: 50,
  investigateRetryMs: 200,
  alertWaitMs: 600_000,
};
const lost = { type: "socketLost", details: "closed with 1006" } as const;

async function down(name: string): Promise<AgentUnderTest> {
  const agent = new AgentUnderTest(rig, name);
  off.add(agent.agentId);
  await agent.connect({ settings: quick });
  await agent.becomes("Up");
  await agent.disconnect(lost);
  await agent.becomes("Down");
  return agent;
}

const recoveries = (agent: AgentUnderTest) => agent.edge.callsOf("recordRecovery", agent.agentId);

describe("recovery", () => {
  test("hostRecovery - is called once for a loss that ends in Down, with the evidence and the workloads", async () => {
    const agent = await down("down");
    const handle = rig.temporal.client.workflow.getHandle(recoveryWorkflowId(agent.agentId, 1));
    expect(await handle.result()).toEqual({
      workloads: [{ resource: "sim", name: "vm-1", power: "On" }],
    });
    const [call, ...more] = recoveries(agent);
    expect(more).toEqual([]);
    expect(call?.args).toMatchObject({ epoch: 1, zone: "z1", cluster: "c1" });
    expect(call?.args["evidence"]).toMatchObject([
      { investigator: "agent", verdict: "Unknown" },
      { investigator: "ping", verdict: "Down", proof: "PowerState is Off" },
    ]);
    const events = await agent.saw("recoveryCalled");
    expect(events.filter(({ type }) => type === "recoveryCalled")).toHaveLength(1);
  });

  test("hostRecovery - the next loss that ends in Down is another one", async () => {
    const agent = await down("down-twice");
    await agent.connect({ epoch: 2, settings: quick });
    await agent.becomes("Up");
    expect(agent.edge.eventTypes(agent.agentId)).toContain("alertCleared");
    await agent.disconnect(lost, 2);
    await agent.becomes("Down");
    await waitUntil("both are recorded", () => recoveries(agent).length === 2);
    expect(recoveries(agent).map(({ args }) => args["epoch"])).toEqual([1, 2]);
  });

  test("agentLifecycle - a ping of a host that is Down asks its agent to connect anew", async () => {
    const agent = await down("down-pings");
    await agent.ping();
    const [close] = await waitUntil("it is asked", () => {
      const calls = agent.edge.callsOf("closeSession", agent.agentId);
      return calls.length > 0 && calls;
    });
    expect(close?.args).toMatchObject({ epoch: 1, why: "reconnect" });
    expect((await agent.view()).status).toBe("Down");
  });
});

describe("the brake", () => {
  test("agentLifecycle - a Down in a mass loss is held back, shown and alerted; verdicts go on; released it is Down", async () => {
    const agent = new AgentUnderTest(rig, "braked");
    off.add(agent.agentId);
    held.add(agent.agentId);
    await agent.connect({ settings: quick });
    await agent.becomes("Up");
    await agent.disconnect(lost);
    const events = await agent.saw("verdict", "braked", "alertRaised", "verdict", "verdict");
    expect((await agent.view()).status).toBe("Disconnected");
    expect(events.filter(({ type }) => type === "braked")).toHaveLength(1);
    expect(agent.edge.records.findLast((r) => r.agentId === agent.agentId)?.braked).toBe(true);
    expect(recoveries(agent)).toEqual([]);
    held.delete(agent.agentId);
    await agent.becomes("Down");
    await agent.saw("braked", "brakeReleased", "status", "alertRaised", "recoveryCalled");
  });

  test("agentLifecycle - a held back host that comes back is Up, and its alert is cleared", async () => {
    const agent = new AgentUnderTest(rig, "braked-back");
    off.add(agent.agentId);
    held.add(agent.agentId);
    await agent.connect({ settings: quick });
    await agent.disconnect(lost);
    await agent.saw("braked");
    await agent.connect({ epoch: 2, settings: quick });
    await agent.becomes("Up");
    await agent.saw("braked", "alertRaised", "alertCleared");
    const record = await waitUntil("it is recorded", () => {
      const newest = agent.edge.records.findLast((r) => r.agentId === agent.agentId);
      return newest?.status === "Up" && newest;
    });
    expect(record.braked ?? false).toBe(false);
    expect(record.lostAtMs).toBeUndefined();
  });

  test("agentLifecycle - nobody is asked for the brake as long as nobody says Down", async () => {
    const agent = new AgentUnderTest(rig, "unknown");
    await agent.connect({ settings: quick });
    await agent.disconnect(lost);
    await agent.saw("verdict", "verdict", "verdict");
    expect(agent.edge.callsOf("askBrake", agent.agentId)).toEqual([]);
    expect((await agent.view()).status).toBe("Disconnected");
  });
});
