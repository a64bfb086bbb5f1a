import { describe, expect, it } from "vitest";
import { refusedSignal, type RefusedMessage } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, useRig } from "./rig.ts";

const rig = useRig();
const wrongPlace: RefusedMessage = {
  code: "CLUSTER_UNKNOWN",
  details: "Declare cluster c1.",
  retryable: false,
};
const lost = { type: "socketLost", details: "cut" } as const;

async function refuse(agent: AgentUnderTest, message: RefusedMessage = wrongPlace): Promise<void> {
  await agent.handle.signal(refusedSignal, message);
}

function count(agent: AgentUnderTest, type: string): number {
  return agent.edge.eventTypes(agent.agentId).filter((one) => one === type).length;
}

describe("a refused agent", () => {
  it("refused - a lost agent whose set-up is wrong is in Alert, which says what to change", async () => {
    const agent = new AgentUnderTest(rig, "wrong-place");
    await agent.connect();
    await agent.disconnect(lost);
    await agent.becomes("Disconnected");
    await refuse(agent);
    const { statusReason } = await agent.becomes("Alert");
    expect(statusReason).toBe("refused (CLUSTER_UNKNOWN): Declare cluster c1.");
    await agent.saw("handshakeRefused", "status", "alertRaised");
  });

  it("refused - the same again changes nothing; the alert is raised once, and cleared when it is back", async () => {
    const agent = new AgentUnderTest(rig, "again");
    await agent.connect();
    await agent.disconnect(lost);
    await refuse(agent);
    await agent.becomes("Alert");
    await refuse(agent);
    await refuse(agent, { ...wrongPlace, code: "RESOURCE_TYPE_MISMATCH" });
    await waitUntil("the other reason", async () =>
      (await agent.view()).statusReason.includes("RESOURCE_TYPE_MISMATCH"),
    );
    await agent.connect({ epoch: 2 });
    await agent.becomes("Up");
    await agent.saw("alertRaised", "alertCleared");
    expect(count(agent, "alertRaised")).toBe(1);
    expect(count(agent, "handshakeRefused")).toBe(2);
  });

  it("refused - ends the investigation: a verdict that comes after it counts no more", async () => {
    const agent = new AgentUnderTest(rig, "investigated");
    let speak = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      speak = resolve;
    });
    rig.edge.investigateByPing = async (agentId) => {
      if (agentId === agent.agentId) await asked;
      return { verdict: "Down", evidence: "the BMC says off", proof: "the BMC says off" };
    };
    await agent.connect({ settings: { reconnectGraceMs: 0 } });
    await agent.disconnect(lost);
    await waitUntil("it is asked", () => agent.edge.callsOf("investigateByPing", agent.agentId)[0]);
    await refuse(agent);
    await agent.becomes("Alert");
    speak();
    await refuse(agent, { ...wrongPlace, code: "LATER", retryable: true });
    await agent.saw("alertRaised", "handshakeRefused");
    expect((await agent.view()).status).toBe("Alert");
    expect(count(agent, "verdict")).toBe(0);
  });

  it("refused - while it has a session elsewhere, or may try again, only the event log hears of it", async () => {
    const agent = new AgentUnderTest(rig, "noted");
    await agent.connect();
    await refuse(agent);
    await agent.saw("connected", "handshakeRefused");
    expect((await agent.view()).status).toBe("Up");
    await agent.disconnect(lost);
    await agent.becomes("Disconnected");
    await refuse(agent, { code: "VETOED", details: "Too busy.", retryable: true });
    await agent.saw("disconnected", "handshakeRefused");
    expect((await agent.view()).status).toBe("Disconnected");
  });

  it("refused - a signal of another shape is noted and harms nothing", async () => {
    const agent = new AgentUnderTest(rig, "rubbish");
    await agent.connect();
    await agent.handle.signal("refused", { code: 7 });
    await agent.saw("messageIgnored");
    expect((await agent.view()).status).toBe("Up");
  });
});
