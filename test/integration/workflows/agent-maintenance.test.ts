import { WorkflowUpdateFailedError } from "@temporalio/client";
import { expect, test } from "vitest";
import { operatorSignals } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { EvacuatedHost } from "./evacuated-host.ts";
import { useRig } from "./rig.ts";

const rig = useRig();

async function host(name: string, vms: readonly string[]): Promise<EvacuatedHost> {
  const made = new EvacuatedHost(rig, name, vms);
  await made.connect();
  await made.becomes("Up");
  return made;
}

function released(one: EvacuatedHost): Promise<unknown> {
  return waitUntil(
    "the cluster has its place back",
    () => one.edge.callsOf("releaseMaintenance", one.agentId).length > 0,
  );
}

test("maintenance - every machine is moved, a second list proves it, then Maintenance admits nothing", async () => {
  const one = await host("moves", ["a", "b", "c"]);
  const entered = await one.ask("enterMaintenance", { reason: "a new disk" });
  expect(entered).toMatchObject({ status: "Up", resourceState: "PrepareForMaintenance" });
  const { maintenance } = await one.resourceState("Maintenance");
  expect(maintenance).toMatchObject({
    ...{ phase: "done", policy: "migrate", by: "ada", reason: "a new disk" },
    ...{ total: 3, moved: 3, stopped: 0, remaining: 0, failed: [] },
  });
  expect([...one.powers]).toEqual([]);
  expect(one.commandsOf("ListVms")).toHaveLength(2);
  const destinations = one.commandsOf("MigrateVm").map(({ destination }) => destination);
  expect(destinations.sort()).toEqual(["n1", "n1", "n2"]);
  await released(one);
  await one.saw("evacuation", "resourceState");
  await waitUntil("all steps are told", () => one.steps().includes("finished"));
  expect(one.steps()).toEqual(["started", "listed", "moved", "moved", "moved", "finished"]);
  const record = await waitUntil("the row shows it", () =>
    rig.edge.records.findLast(
      ({ agentId, resourceState }) => agentId === one.agentId && resourceState === "Maintenance",
    ),
  );
  expect(record.maintenance).toMatchObject({ phase: "done", moved: 3 });
  await expect(one.admit()).rejects.toThrow(WorkflowUpdateFailedError);
  await expect(one.ask("enterMaintenance")).rejects.toMatchObject({
    cause: { message: "The host is in Maintenance already." },
  });
  expect(await one.ask("cancelMaintenance")).toMatchObject({ resourceState: "Enabled" });
  expect(await one.view()).not.toHaveProperty("maintenance");
});

test("maintenance - a bare signal works, and obeys the cluster's places", async () => {
  const one = await host("signal", ["a"]);
  const two = await host("signal-too", ["b"]);
  const { claimMaintenance } = rig.edge;
  let holder: string | undefined;
  rig.edge.claimMaintenance = ({ agentId }) => {
    holder ??= agentId;
    const claimed = agentId === holder;
    return Promise.resolve({ claimed, heldBy: claimed ? [] : [holder] });
  };
  one.fate = ({ type }) => (type === "MigrateVm" ? "held" : "done");
  await one.handle.signal(operatorSignals.enterMaintenance);
  await waitUntil("it is moving", () => one.held.length > 0);
  await two.handle.signal(operatorSignals.enterMaintenance);
  const refused = await waitUntil("it is refused", async () => {
    const view = await two.view();
    return view.maintenance?.phase === "refused" && view;
  });
  rig.edge.claimMaintenance = claimMaintenance;
  expect(refused).toMatchObject({ resourceState: "Enabled", maintenance: { total: 0 } });
  expect(refused.maintenance?.outcome).toContain(`${one.agentId} is being prepared`);
  const events = await two.saw("resourceState", "resourceState", "resourceState");
  const last = events.findLast(({ type }) => type === "resourceState");
  expect(last?.text).toContain(`PrepareForMaintenance → Enabled: Its cluster can't spare it now`);
  await one.release();
  await one.resourceState("Maintenance");
});

test("maintenance - what can't be read as an order is refused, not carried out otherwise", async () => {
  const one = await host("unreadable", ["a"]);
  await one.handle.signal(operatorSignals.enterMaintenance, { policy: "stopp" as "stop" });
  await one.saw("messageIgnored");
  expect((await one.view()).resourceState).toBe("Enabled");
  await expect(one.ask("enterMaintenance", { deadlineMs: -1 })).rejects.toThrow(
    WorkflowUpdateFailedError,
  );
});

test("maintenance - by policy stop machines are stopped, by migrateElseStop those that nobody takes", async () => {
  const stopped = await host("stops", ["a", "b"]);
  await stopped.ask("enterMaintenance", { policy: "stop" });
  const { maintenance } = await stopped.resourceState("Maintenance");
  expect(maintenance).toMatchObject({ stopped: 2, moved: 0 });
  const mixed = await host("mixes", ["a", "b"]);
  mixed.fate = ({ type, vm }) => (type === "MigrateVm" && vm === "a" ? "refused" : "done");
  await mixed.ask("enterMaintenance", { policy: "migrateElseStop" });
  expect((await mixed.resourceState("Maintenance")).maintenance).toMatchObject({
    stopped: 1,
    moved: 1,
  });
});

test("maintenance - a machine that nobody takes is an error while others go on; entering again retries", async () => {
  const one = await host("fails", ["a", "b"]);
  one.neighbours = ["n1"];
  one.fate = ({ type, vm }) => (type === "MigrateVm" && vm === "a" ? "refused" : "done");
  await one.ask("enterMaintenance");
  const view = await waitUntil("b is moved all the same", async () => {
    const view = await one.view();
    return view.maintenance?.moved === 1 && view.maintenance.phase === "waiting" && view;
  });
  expect(view).toMatchObject({
    resourceState: "ErrorInPrepareForMaintenance",
    maintenance: { failed: [{ vm: "a", reason: "it was refused by n1" }], remaining: 1 },
  });
  expect(view.maintenance?.waitingFor).toContain("the next try at");
  one.fate = () => "done";
  expect(await one.ask("enterMaintenance")).toMatchObject({
    resourceState: "PrepareForMaintenance",
  });
  expect((await one.resourceState("Maintenance")).maintenance).toMatchObject({ moved: 2 });
  const moves = one.edge
    .events(one.agentId)
    .flatMap(({ type, data }) => (type === "resourceState" ? [data?.["event"]] : []));
  expect(moves).toEqual([
    ...["InternalCreated", "AdminAskMaintenance", "UnableToMigrate", "ErrorsCorrected"],
    "InternalEnterMaintenance",
  ]);
});

test("maintenance - the deadline ends it: what is under way is cancelled, and it can be entered again", async () => {
  const one = await host("deadline", ["a"]);
  one.fate = ({ type }) => (type === "MigrateVm" ? "held" : "done");
  await one.ask("enterMaintenance", { deadlineMs: 5_000 });
  const { maintenance } = await one.resourceState("ErrorInMaintenance");
  expect(maintenance).toMatchObject({
    phase: "failed",
    failed: [{ vm: "a", reason: "MigrateVm was still under way" }],
  });
  await waitUntil(
    "the agent is asked to stop",
    () => one.edge.callsOf("cancelRequest", one.agentId).length > 0,
  );
  await released(one);
  await expect(one.admit({ commands: [{ type: "StopVm", id: "s" }] })).rejects.toThrow();
  await one.ask("enterMaintenance");
  const view = await waitUntil("it waits for the Command before", async () => {
    const view = await one.view();
    return view.maintenance?.phase === "listing" && view;
  });
  expect(view.maintenance?.waitingFor).toContain("earlier evacuation");
  await one.release();
  expect((await one.resourceState("Maintenance")).maintenance).toMatchObject({ total: 0 });
  expect(one.commandsOf("MigrateVm")).toHaveLength(1);
  expect(one.steps()).toContain("late");
});

test("maintenance - cancelled in the middle: Commands are cancelled, what was moved stays", async () => {
  const one = await host("cancels", ["a", "b", "c", "d", "e"]);
  one.fate = ({ type, vm }) => (type === "MigrateVm" && vm !== "a" ? "held" : "done");
  await one.ask("enterMaintenance");
  await waitUntil("some are under way", () => one.held.length === 3);
  expect(await one.ask("cancelMaintenance")).toMatchObject({ resourceState: "Enabled" });
  const view = await one.view();
  expect(view.maintenance).toMatchObject({ phase: "cancelled", moved: 1, remaining: 4 });
  await waitUntil(
    "the agent is asked to stop each",
    () => one.edge.callsOf("cancelRequest", one.agentId).length === 3,
  );
  await released(one);
  expect(one.commandsOf("MigrateVm")).toHaveLength(4);
  expect(one.powers.has("a")).toBe(false);
});

test("maintenance - an agent that is away: its Commands wait for it and are delivered when it returns", async () => {
  const one = await host("away", ["a"]);
  one.fate = ({ type }) => (type === "MigrateVm" ? "held" : "done");
  await one.ask("enterMaintenance");
  await waitUntil("it is under way", () => one.held.length === 1);
  await one.disconnect({ type: "socketLost", details: "closed" });
  const away = await one.becomes("Disconnected");
  expect(away).toMatchObject({ resourceState: "PrepareForMaintenance" });
  expect(away.maintenance?.waitingFor).toContain("the agent, which is away");
  expect(away.statusReason).toContain("not looked into");
  one.fate = () => "done";
  await one.connect({ epoch: 2 });
  expect((await one.resourceState("Maintenance")).maintenance).toMatchObject({ moved: 1 });
  const ids = new Set(one.commandsOf("MigrateVm").map(({ id }) => id));
  expect(ids.size).toBe(1);
});

test("maintenance - a renewal in the middle loses nothing and repeats nothing", async () => {
  const one = await host("renewed", ["a", "b", "c", "d"]);
  one.fate = ({ type }) => (type === "MigrateVm" ? "held" : "done");
  await one.ask("enterMaintenance");
  await waitUntil("some are under way", () => one.held.length === 3);
  const { runId } = await one.handle.describe();
  const isOld = async () => (await one.handle.describe()).runId === runId;
  while ((await isOld()) && (await one.historyLength()) < 480) {
    await Promise.all(Array.from({ length: 40 }, () => one.ping()));
  }
  // One at a time from here on: Temporal refuses a renewal while signals go on arriving.
  await waitUntil(
    "it is renewed",
    async () => {
      await one.ping();
      return !(await isOld());
    },
    { everyMs: 500 },
  );
  await one.release();
  expect((await one.resourceState("Maintenance")).maintenance).toMatchObject({ moved: 4 });
  expect(one.commandsOf("MigrateVm")).toHaveLength(4);
  await released(one);
});

test("maintenance - a host that is Down has nothing to evacuate and needs no place", async () => {
  const one = await host("down", ["a"]);
  const { investigateByPing } = rig.edge;
  rig.edge.investigateByPing = (agentId) =>
    agentId === one.agentId
      ? Promise.resolve({ verdict: "Down", evidence: "its power is off", proof: "power" })
      : investigateByPing(agentId);
  await one.connect({ epoch: 2, settings: { reconnectGraceMs: 10 } });
  await one.disconnect({ type: "socketLost", details: "closed" }, 2);
  await one.becomes("Down");
  rig.edge.investigateByPing = investigateByPing;
  expect(await one.ask("enterMaintenance")).toMatchObject({
    resourceState: "Maintenance",
    details: "Enabled → PrepareForMaintenance → Maintenance",
  });
  expect((await one.view()).maintenance?.outcome).toContain("The host is Down");
  expect(one.edge.callsOf("claimMaintenance", one.agentId)).toEqual([]);
});

test("maintenance - preparing already is refused with how far it is; unmanaged and managed it stays in maintenance", async () => {
  const one = await host("again", ["a"]);
  one.fate = ({ type }) => (type === "MigrateVm" ? "held" : "done");
  await one.ask("enterMaintenance");
  await waitUntil("it is under way", () => one.held.length === 1);
  await expect(one.ask("enterMaintenance")).rejects.toMatchObject({
    cause: {
      type: "RESOURCE_STATE",
      message: expect.stringContaining("already, 1 machines are left") as string,
    },
  });
  await expect(one.ask("unmanage")).rejects.toThrow(WorkflowUpdateFailedError);
  await one.release();
  await one.resourceState("Maintenance");
  expect(await one.ask("unmanage")).toMatchObject({ resourceState: "Unmanaged" });
  expect(await one.ask("manage")).toMatchObject({
    resourceState: "Maintenance",
    details: "Unmanaged → Maintenance",
  });
});

test("maintenance - removed in the middle, the cluster gets its place back and the workflow ends", async () => {
  const one = await host("removed", ["a"]);
  one.fate = ({ type }) => (type === "MigrateVm" ? "held" : "done");
  await one.ask("enterMaintenance");
  await waitUntil("it is under way", () => one.held.length === 1);
  expect(await one.ask("remove")).toMatchObject({ status: "Removed" });
  await one.handle.result();
  expect(one.edge.callsOf("releaseMaintenance", one.agentId)).toHaveLength(1);
});
