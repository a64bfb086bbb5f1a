import { describe, expect, test } from "vitest";
import type { Finding } from "../../../src/api/index.ts";
import {
  gatewayLostSignal,
  operatorUpdates,
  pendingQuery,
} from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, useRig } from "./rig.ts";

const rig = useRig();

/** The fakes answer for each agent by its name. */
const verdicts = new Map<string, () => Promise<Finding>>();
const seenByGateway = new Map<string, { heldHere: boolean; lastPingAgoMs?: number }>();
rig.edge.investigateByPing = (agentId) =>
  verdicts.get(agentId)?.() ?? Promise.resolve({ verdict: "Unknown", evidence: "no reply" });
rig.edge.silence = ({ agentId }) =>
  Promise.resolve(seenByGateway.get(agentId) ?? { heldHere: false });

const quick = {
  pingIntervalMs: 200,
  reconnectGraceMs: 100,
  investigateRetryMs: 300,
  alertWaitMs: 2_000,
};

describe("silence", () => {
  test("agentLifecycle - pings keep the agent Up without touching a timer", async () => {
    const agent = new AgentUnderTest(rig, "pings");
    await agent.connect();
    await agent.becomes("Up");
    await agent.saw("status");
    await waitUntil("the timer is set", async () =>
      (await agent.history()).includes("timerStartedEventAttributes"),
    );
    const before = await agent.historyLength();
    for (let ping = 0; ping < 5; ping++) await agent.ping({ lastPingAgoMs: ping });
    const view = await waitUntil("the pings are read", async () => {
      const view = await agent.view();
      return (await agent.historyLength()) > before + 5 && view;
    });
    expect(view.status).toBe("Up");
    const types = (await agent.history()).slice(before);
    expect(types.filter((type) => type.includes("imer"))).toEqual([]);
  });

  test("agentLifecycle - silence is put to the gateway, and is a loss when it is silent there too", async () => {
    const agent = new AgentUnderTest(rig, "silent");
    verdicts.set(agent.agentId, () => Promise.resolve({ verdict: "Up", evidence: "1 reply" }));
    await agent.connect({ settings: quick });
    const events = await agent.saw("connected", "pingTimeoutAsked", "disconnected", "verdict");
    expect(agent.edge.callsOf("silence", agent.agentId)).toHaveLength(1);
    expect(events.find(({ type }) => type === "disconnected")?.text).toContain("no ping for");
    const [close] = await waitUntil("the session is closed", () => {
      const calls = agent.edge.callsOf("closeSession", agent.agentId);
      return calls.length > 0 && calls;
    });
    expect(close?.args).toMatchObject({ epoch: 1, why: "silent" });
    // While the half-open socket is there, the agent can be asked over it.
    const calls = agent.edge.calls.filter((call) => call.args["agentId"] === agent.agentId);
    const names = calls.map((call) => call.name);
    expect(names.indexOf("investigateByAgent")).toBeLessThan(names.indexOf("closeSession"));
  });

  test("agentLifecycle - an agent in Alert is asked about again when its resource is enabled again", async () => {
    const agent = new AgentUnderTest(rig, "alert-enabled");
    await agent.connect({ settings: { ...quick, alertWaitMs: 200 } });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Alert");
    await agent.handle.executeUpdate(operatorUpdates.disable, { args: [{}] });
    const before = agent.edge.callsOf("investigateByPing", agent.agentId).length;
    await agent.handle.executeUpdate(operatorUpdates.enable, { args: [{}] });
    await waitUntil(
      "it is asked about again",
      () => agent.edge.callsOf("investigateByPing", agent.agentId).length > before + 1,
    );
    await agent.disconnect({ type: "goodbye", reason: "stop" });
    await agent.becomes("Disconnected");
  });

  test("agentLifecycle - a gateway that saw a ping keeps the agent Up", async () => {
    const agent = new AgentUnderTest(rig, "seen");
    seenByGateway.set(agent.agentId, { heldHere: true, lastPingAgoMs: 0 });
    await agent.connect({ settings: quick });
    await agent.saw("pingTimeoutAsked", "pingTimeoutAsked");
    expect((await agent.view()).status).toBe("Up");
    expect(agent.edge.eventTypes(agent.agentId)).not.toContain("disconnected");
    await agent.disconnect({ type: "goodbye", reason: "stop" });
    await agent.becomes("Disconnected");
  });

  test("agentLifecycle - a gateway that vouches is not doubted before its time is over", async () => {
    const agent = new AgentUnderTest(rig, "vouched");
    const started = Date.now();
    await agent.connect({ settings: quick, vouchForMs: 2_000 });
    await agent.saw("pingTimeoutAsked");
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_500);
  });
});

describe("looking into a loss", () => {
  test("agentLifecycle - a lost socket is looked into after the grace, Investigators in order, again and again, until Alert; then it is back", async () => {
    const agent = new AgentUnderTest(rig, "alert");
    verdicts.set(agent.agentId, () => Promise.resolve({ verdict: "Up", evidence: "1 reply" }));
    await agent.connect({ settings: { ...quick, pingIntervalMs: 600_000 } });
    await agent.becomes("Up");
    await agent.disconnect({ type: "socketLost", details: "closed with 1006" });
    const events = await agent.saw(
      "disconnected",
      "investigation",
      "investigation",
      "verdict",
      "verdict",
    );
    const asked = events
      .filter(({ type }) => type === "investigation")
      .map(({ data }) => data?.["investigator"]);
    expect(asked.slice(0, 2)).toEqual(["agent", "ping"]);
    expect((await agent.view()).lastVerdict).toMatchObject({ investigator: "ping", verdict: "Up" });
    await agent.saw("alertRaised");
    expect((await agent.view()).status).toBe("Alert");
    const raised = agent.edge.eventTypes(agent.agentId).filter((type) => type === "verdict").length;
    await agent.saw(...Array.from({ length: raised + 1 }, () => "verdict"));
    expect(
      agent.edge.eventTypes(agent.agentId).filter((type) => type === "alertRaised"),
    ).toHaveLength(1);
    await agent.connect({ epoch: 2 });
    await agent.becomes("Up");
    await agent.saw("alertRaised", "connected", "alertCleared");
  });

  test("agentLifecycle - a Down verdict makes it Down, raises an alert and ends the asking", async () => {
    const agent = new AgentUnderTest(rig, "down");
    verdicts.set(agent.agentId, () =>
      Promise.resolve({ verdict: "Down", evidence: "asked its BMC", proof: "its power is off" }),
    );
    await agent.connect({ settings: { ...quick, pingIntervalMs: 600_000 } });
    await agent.becomes("Up");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    const view = await agent.becomes("Down");
    expect(view.statusReason).toContain("its power is off");
    await agent.saw("verdict", "status", "alertRaised");
    await agent.connect({ epoch: 2 });
    await agent.becomes("Up");
    await agent.saw("alertCleared");
  });

  test("agentLifecycle - a later Down verdict still counts in Alert", async () => {
    const agent = new AgentUnderTest(rig, "later");
    let answer: Finding = { verdict: "Unknown", evidence: "no reply" };
    verdicts.set(agent.agentId, () => Promise.resolve(answer));
    await agent.connect({ settings: { ...quick, pingIntervalMs: 600_000, alertWaitMs: 200 } });
    await agent.becomes("Up");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Alert");
    answer = { verdict: "Down", evidence: "asked its BMC", proof: "its power is off" };
    await agent.becomes("Down");
  });

  test("agentLifecycle - an Investigator that fails counts as Unknown and is named", async () => {
    const agent = new AgentUnderTest(rig, "failing");
    verdicts.set(agent.agentId, () => Promise.reject(new Error("no ping program here")));
    await agent.connect({
      settings: { ...quick, pingIntervalMs: 600_000, alertWaitMs: 600_000 },
    });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    const events = await agent.saw("investigation", "investigation", "verdict");
    const ping = events.find(({ data }) => data?.["investigator"] === "ping");
    expect(ping).toMatchObject({ data: { verdict: "Unknown" } });
    expect(ping?.text).toContain("no ping program here");
    expect((await agent.view()).status).toBe("Disconnected");
  });

  test("agentLifecycle - a new session ends an investigation under way", async () => {
    const agent = new AgentUnderTest(rig, "interrupted");
    let asked = false;
    let tell: (finding: Finding) => void = () => undefined;
    verdicts.set(agent.agentId, () => {
      asked = true;
      return new Promise((resolve) => {
        tell = resolve;
      });
    });
    await agent.connect({ settings: { ...quick, pingIntervalMs: 600_000 } });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await waitUntil("the Investigator is asked", () => asked);
    await agent.connect({ epoch: 2 });
    await agent.becomes("Up");
    tell({ verdict: "Down", evidence: "too late", proof: "its power is off" });
    await agent.handle.executeUpdate(operatorUpdates.disable, { args: [{}] });
    const view = await agent.view();
    expect(view.status).toBe("Up");
    expect(
      agent.edge.events(agent.agentId).filter(({ text }) => text.includes("too late")),
    ).toEqual([]);
  });
});

describe("losses that nobody looks into", () => {
  test("agentLifecycle - a goodbye ends in Disconnected: nobody is asked, nobody alerted", async () => {
    const agent = new AgentUnderTest(rig, "goodbye");
    await agent.connect({ settings: { ...quick, alertWaitMs: 0 } });
    await agent.disconnect({ type: "goodbye", reason: "reboot" });
    const view = await agent.becomes("Disconnected");
    expect(view.statusReason).toContain("goodbye (reboot)");
    await agent.saw("disconnected");
    expect(await pendingDeadlines(agent)).toBe(false);
  });

  test("agentLifecycle - in maintenance a loss is quiet, and looked into once maintenance is cancelled", async () => {
    const agent = new AgentUnderTest(rig, "quiet");
    await agent.connect({ settings: { ...quick, pingIntervalMs: 600_000 } });
    await agent.handle.executeUpdate(operatorUpdates.enterMaintenance, { args: [{ by: "ada" }] });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.saw("disconnected");
    expect(await pendingDeadlines(agent)).toBe(false);
    await agent.handle.executeUpdate(operatorUpdates.cancelMaintenance, { args: [{ by: "ada" }] });
    await agent.saw("disconnected", "resourceState", "verdict");
  });

  test("agentLifecycle - a wrong set-up is an alert at once, and nobody is asked about the host", async () => {
    const agent = new AgentUnderTest(rig, "setup");
    await agent.connect({ settings: quick });
    await agent.disconnect({
      type: "handshakeFailed",
      details: "no such cluster",
      retryable: false,
    });
    const view = await agent.becomes("Alert");
    expect(view.statusReason).toContain("no such cluster");
    await agent.saw("alertRaised");
    expect(await pendingDeadlines(agent)).toBe(false);
  });
});

describe("a lost gateway", () => {
  test("agentLifecycle - its agents get a full ping timeout to come back elsewhere", async () => {
    const agent = new AgentUnderTest(rig, "grace");
    await agent.connect({ settings: { ...quick, pingIntervalMs: 400 }, vouchForMs: 600_000 });
    const since = Date.now();
    await agent.handle.signal(gatewayLostSignal, {
      gateway: { gatewayId: "g1", incarnation: "run-1" },
      reason: "it does not heartbeat its lease",
    });
    await agent.becomes("Disconnected");
    const events = await agent.saw("gatewayLost", "disconnected", "investigation");
    expect(Date.now() - since).toBeGreaterThan(800);
    expect(events.find(({ type }) => type === "investigation")?.text).toContain(
      "can't ask the agent",
    );
    expect(agent.edge.callsOf("investigateByAgent", agent.agentId)).toEqual([]);
  });

  test("agentLifecycle - an agent that moved on does not care, and a ping proves that a session lives", async () => {
    const agent = new AgentUnderTest(rig, "moved");
    await agent.connect({ epoch: 1 });
    await agent.handle.signal(gatewayLostSignal, {
      gateway: { gatewayId: "g1", incarnation: "an older run" },
      reason: "gone",
    });
    await agent.ping();
    expect((await agent.becomes("Up")).epoch).toBe(1);
    await agent.handle.signal(gatewayLostSignal, {
      gateway: { gatewayId: "g1", incarnation: "run-1" },
      reason: "gone",
    });
    await agent.becomes("Disconnected");
    await agent.ping();
    expect((await agent.becomes("Up")).session).toMatchObject({ gatewayId: "g1", epoch: 1 });
  });
});

/** Whether the agent would still do something by itself: the details name the next look. */
async function pendingDeadlines(agent: AgentUnderTest): Promise<boolean> {
  await agent.handle.query(pendingQuery);
  const { currentDetails } = await agent.handle.query<{ currentDetails: string }>(
    "__temporal_workflow_metadata",
  );
  return currentDetails.includes("Looked into next");
}
