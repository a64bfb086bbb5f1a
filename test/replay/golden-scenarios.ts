/** Short lives of agents and gateways that between them take every kind of step a workflow can take. */
import type { WorkflowHandle } from "@temporalio/client";
import {
  addRecurringUpdate,
  cancelUpdate,
  configureUpdate,
  gatewayLostSignal,
  operatorSignals,
  operatorUpdates,
  progressSignal,
  recurringQuery,
  removeRecurringUpdate,
} from "../../src/workflows/agent-messages.ts";
import {
  gatewayLifecycleType,
  gatewayStateQuery,
  joinedSignal,
  leavingSignal,
} from "../../src/workflows/gateway-messages.ts";
import { renewSignal } from "../../src/workflows/renewal-messages.ts";
import { gatewayStartOptions, webhookStartOptions } from "../../src/workflows/start-options.ts";
import { resumedSignal, webhookDeliveryType } from "../../src/workflows/webhook-messages.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { EvacuatedHost } from "../integration/workflows/evacuated-host.ts";
import { AgentUnderTest, command, g1, type Rig } from "../integration/workflows/rig.ts";

export type Scenario = (rig: Rig) => Promise<WorkflowHandle>;
const via = { ...g1, epoch: 1 };
const quick = { reconnectGraceMs: 50, investigateRetryMs: 200, alertWaitMs: 600 };

export const scenarios: Readonly<Record<string, Scenario>> = {
  "agent-requests": async (rig) => {
    const agent = new AgentUnderTest(rig, "requests");
    await agent.connect();
    await agent.becomes("Up");
    await agent.ping({ unhealthy: "disk is full" });
    const one = command();
    await agent.admit({ requestId: "answered", commands: [one], via });
    await agent.answer(1, one.id);
    await agent.settled("answered");
    await agent.admit({ requestId: "expired", waitSeconds: 0.1, via });
    await agent.settled("expired");
    await agent.admit({ requestId: "by workflow", commands: [{ ...command("StartVm"), vm: "a" }] });
    await agent.admit({ requestId: "cancelled", via });
    await agent.handle.executeUpdate(cancelUpdate, { args: [{ requestId: "cancelled", reason: "test" }] });
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Disconnected");
    await agent.connect({ epoch: 2 });
    await waitUntil("all is delivered again", () => agent.edge.callsOf("deliver", agent.agentId).length >= 2);
    await agent.saw("connected", "unhealthy", "requestExpired", "disconnected", "connected");
    return agent.handle;
  },

  "agent-recurring": async (rig) => {
    const agent = new AgentUnderTest(rig, "recurring");
    const { edge, agentId, handle } = agent;
    await agent.connect();
    await agent.becomes("Up");
    const order = { name: "health", commands: [{ type: "CheckHealth" }], schedule: { everySeconds: 10 }, by: "ada" };
    await handle.executeUpdate(addRecurringUpdate, { args: [order] });
    const [first, second] = [command("StopVm"), command("StopVm")];
    await agent.admit({ requestId: "watched", commands: [first, second], progress: true, via });
    const there = { type: "StopVmAnswer", commandId: first.id, result: true };
    await handle.signal(progressSignal, { seq: 1, answers: [there] });
    await handle.executeUpdate(cancelUpdate, { args: [{ requestId: "watched", reason: "test" }] });
    await waitUntil("the agent is asked to cancel", () => edge.callsOf("cancelRequest", agentId).length > 0);
    await agent.answer(1, second.id);
    await agent.settled("watched");
    const turn = await waitUntil("its turn comes", () => edge.callsOf("deliver", agentId)[0]);
    const [run] = turn.args["requests"] as { seq: number; commands: { id: string }[] }[];
    await agent.answer(run?.seq ?? 0, run?.commands[0]?.id ?? "");
    await waitUntil("it ran", async () => {
      const [view] = await handle.query(recurringQuery);
      return view?.lastRun?.answers !== undefined;
    });
    await handle.executeUpdate(removeRecurringUpdate, { args: [{ name: "health" }] });
    await agent.saw("recurringAdded", "requestCancelled", "recurringRemoved");
    return handle;
  },

  "agent-lost-and-found": async (rig) => {
    const agent = new AgentUnderTest(rig, "lost");
    await agent.connect({ settings: quick });
    await agent.becomes("Up");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.becomes("Alert");
    await agent.connect({ epoch: 2, settings: { ...quick, pingIntervalMs: 100 } });
    await agent.saw("alertRaised", "alertCleared", "pingTimeoutAsked", "disconnected", "verdict");
    await agent.connect({ epoch: 3, settings: quick });
    await agent.handle.signal(gatewayLostSignal, { gateway: g1, reason: "test" });
    await agent.ping({ epoch: 3 });
    await agent.becomes("Up");
    await agent.disconnect({ type: "goodbye", reason: "stop" }, 3);
    await agent.saw("gatewayLost", "disconnected");
    return agent.handle;
  },

  "agent-investigated": async (rig) => {
    const agent = new AgentUnderTest(rig, "investigated");
    rig.edge.neighbours = () => ["n1", "n2"].map((agentId) => ({ agentId, gatewayId: "g1" }));
    const investigators = ["agent", "neighbour", "kvm", "no-such-one", "ping"].map((name) => ({ name, timeoutMs: 1_000 }));
    await agent.connect({ settings: { ...quick, investigators, neighboursAsked: 2 } });
    await agent.becomes("Up");
    await agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.saw("verdict", "verdict");
    await agent.connect({ epoch: 2, settings: { ...quick, investigators } });
    await agent.becomes("Up");
    await agent.disconnect({ type: "goodbye", reason: "stop" }, 2);
    await agent.saw("connected", "disconnected", "connected", "disconnected");
    return agent.handle;
  },

  "agent-removed": async (rig) => {
    const agent = new AgentUnderTest(rig, "removed");
    rig.edge.recordFails = { local: true, normal: false };
    await agent.connect();
    await agent.saw("connected");
    rig.edge.recordFails = { local: false, normal: false };
    await agent.handle.executeUpdate(configureUpdate, { args: [{ pingIntervalMs: 5_000 }] });
    await agent.handle.executeUpdate(operatorUpdates.enterMaintenance, { args: [{ by: "ada" }] });
    await agent.handle.signal(operatorSignals.cancelMaintenance);
    await agent.handle.signal("noSuchSignal", "rubbish");
    await agent.admit({ requestId: "unanswered", via });
    await agent.handle.executeUpdate(operatorUpdates.remove, { args: [{ by: "ada" }] });
    await agent.handle.result();
    return agent.handle;
  },

  "agent-evacuated": async (rig) => {
    const host = new EvacuatedHost(rig, "evacuated", ["a", "b", "c", "d"]);
    await host.connect();
    await host.becomes("Up");
    host.fate = ({ vm }) => (vm === "a" ? "refused" : "done");
    await host.ask("enterMaintenance");
    await host.resourceState("ErrorInPrepareForMaintenance");
    host.fate = ({ type }) => (type === "MigrateVm" ? "held" : "done");
    await host.ask("enterMaintenance", { policy: "migrateElseStop" });
    await waitUntil("some are under way", () => host.held.length > 0);
    await host.ask("cancelMaintenance");
    await host.release();
    await host.handle.signal(operatorSignals.enterMaintenance, { policy: "stop", deadlineMs: 1_000 });
    await host.saw("resourceState", "resourceState", "resourceState", "resourceState", "resourceState");
    await host.resourceState("Maintenance");
    await host.ask("unmanage");
    await host.ask("manage");
    await waitUntil("its place is given back", () =>
      host.edge.callsOf("releaseMaintenance", host.agentId).length >= 2,
    );
    return host.handle;
  },

  "agent-renewed": async (rig) => {
    const agent = new AgentUnderTest(rig, "renewed");
    await agent.connect();
    await agent.admit({ requestId: "carried", waitSeconds: 3_000, via });
    const { runId } = await agent.handle.describe();
    await waitUntil("it is renewed", async () => {
      await Promise.all(Array.from({ length: 40 }, () => agent.ping()));
      return (await agent.handle.describe()).runId !== runId;
    });
    await agent.handle.executeUpdate(operatorUpdates.disable, { args: [{}] });
    await agent.saw("resourceState", "resourceState");
    return agent.handle;
  },

  "agent-asked-to-renew": async (rig) => {
    const agent = new AgentUnderTest(rig, "asked");
    await agent.connect();
    await agent.becomes("Up");
    await agent.admit({ requestId: "carried", waitSeconds: 3_000, via });
    const { runId } = await agent.handle.describe();
    await agent.handle.signal(renewSignal);
    await waitUntil("it is renewed", async () => (await agent.handle.describe()).runId !== runId);
    return rig.temporal.client.workflow.getHandle(agent.handle.workflowId, runId);
  },

  "gateway-lost-and-left": async (rig) => {
    const client = rig.temporal.client.workflow;
    for (const incarnation of ["run-1", "run-2"]) {
      await client.signalWithStart(gatewayLifecycleType, {
        ...gatewayStartOptions("g1"),
        signal: joinedSignal,
        signalArgs: [{ incarnation, version: "0.1.0" }],
      });
    }
    const handle = client.getHandle("gateway/g1");
    await waitUntil("its lease is given back", async () => {
      return (await handle.query(gatewayStateQuery)).state === "lost";
    });
    await handle.signal(joinedSignal, { incarnation: "run-3", version: "0.1.0" });
    await handle.signal(leavingSignal, { incarnation: "run-3", reason: "test" });
    await waitUntil("all are told", async () => {
      const { events } = await handle.fetchHistory();
      const ended = (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes);
      return ended.length >= 9;
    });
    return handle;
  },

  "webhook-paused-and-removed": async (rig) => {
    const client = rig.temporal.client.workflow;
    rig.edge.rounds.push({ state: "goOn", delivered: 3 }, { state: "paused", reason: "410" });
    const handle = await client.start(
      webhookDeliveryType,
      webhookStartOptions("wh-1", "endpoint.example"),
    );
    await waitUntil("it is paused", () => rig.edge.rounds.length === 0);
    rig.edge.rounds.push({ state: "paused", reason: "410" }, { state: "removed" });
    await handle.signal(resumedSignal);
    await waitUntil("it is paused again", () => rig.edge.rounds.length === 1);
    await waitUntil("its next round is asked for", async () => {
      await handle.signal(resumedSignal);
      return rig.edge.rounds.length === 0;
    });
    await handle.result();
    return handle;
  },
};
