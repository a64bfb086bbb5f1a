import { expect, it } from "vitest";
import {
  agentWorkflowId,
  operatorSignals,
  stateQuery,
} from "../../../src/workflows/agent-messages.ts";
import type { Hello, TestAgent } from "../gateway/test-agent.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { answering, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { connect, call } = rig;

/** A host with machines that can be moved and stopped; `holds` keeps the Answers to a Command type back. */
async function host(vms: readonly string[], hello: Hello, holds?: string): Promise<TestAgent> {
  const agent = await connect(hello);
  const left = new Set(vms);
  answering(agent, (command) => {
    if (command.type === holds) return undefined;
    if (command.type === "ListVms") {
      return {
        type: "ListVmsAnswer",
        result: true,
        vms: [...left].map((name) => ({ name, power: "On" })),
      };
    }
    left.delete(String((command as { vm?: unknown }).vm));
    return { type: `${command.type}Answer`, result: true };
  });
  return agent;
}

function becomes(agentId: string, resourceState: string) {
  return waitUntil(`${agentId} is ${resourceState}`, async () => {
    const { body } = await call("GET", `agents/${agentId}`);
    const { lifecycle } = body as { lifecycle?: { resourceState?: string } };
    return lifecycle?.resourceState === resourceState && body;
  });
}

it("maintenance - moves the machines to hosts of the cluster, refuses Commands, and is cancelled", async () => {
  const cluster = "moves";
  await host([], { cluster, migrateTo: "there" });
  const { agentId } = await host(["a", "b"], { cluster });
  const body = { by: "me", policy: "migrate", deadlineSeconds: 60 };
  expect(await call("POST", `agents/${agentId}/maintenance`, body)).toMatchObject({
    status: 200,
    body: { resourceState: "PrepareForMaintenance", status: "Up" },
  });
  const entered = await becomes(agentId, "Maintenance");
  expect(entered).toMatchObject({ lifecycle: { maintenance: { phase: "done", moved: 2 } } });
  const row = await waitUntil("the row shows it", async () => {
    const { body } = await call("GET", `agents/${agentId}?live=false`);
    return body["resourceState"] === "Maintenance" && body;
  });
  expect(row).toMatchObject({ maintenance: { phase: "done", moved: 2, by: "me" } });
  const commands = [{ type: "StartVm", vm: "a" }];
  expect(await call("POST", `agents/${agentId}/commands`, { commands })).toMatchObject({
    status: 409,
    body: { code: "RESOURCE_STATE" },
  });
  expect(await call("DELETE", `agents/${agentId}/maintenance`)).toMatchObject({
    status: 200,
    body: { resourceState: "Enabled" },
  });
});

it("maintenance, one host of a cluster at a time - refuses the next with the name of the first", async () => {
  const cluster = "one";
  const first = await host(["a"], { cluster }, "StopVm");
  const second = await host(["b"], { cluster });
  await call("POST", `agents/${first.agentId}/maintenance`, { policy: "stop" });
  await waitUntil("it holds the place", async () => {
    const { rows } = await rig.database.pool.query(
      `SELECT FROM maintenance_slots WHERE agent_id = $1`,
      [first.agentId],
    );
    return rows.length === 1;
  });
  const refused = await call("POST", `agents/${second.agentId}/maintenance`);
  expect(refused).toMatchObject({ status: 409, body: { code: "MAINTENANCE_SLOT_TAKEN" } });
  expect(refused.body["detail"]).toContain(`${first.agentId} is being prepared`);
  const plan = await call("POST", `agents/${second.agentId}/maintenance`, { dryRun: true });
  expect(plan.body).toMatchObject({
    blockers: [{ code: "MAINTENANCE_SLOT_TAKEN" }, { code: "NOBODY_TAKES" }],
  });
  const again = await call("POST", `agents/${first.agentId}/maintenance`);
  expect(again).toMatchObject({ status: 409, body: { code: "RESOURCE_STATE" } });
  expect(again.body["detail"]).toContain("being prepared for maintenance already");
  await call("DELETE", `agents/${first.agentId}/maintenance`);
  await waitUntil("the place is given back", async () => {
    const { status } = await call("POST", `agents/${second.agentId}/maintenance`, {
      policy: "stop",
    });
    return status === 200;
  });
  await becomes(second.agentId, "Maintenance");
});

it("maintenance by plain signals, two hosts at once - one gets the place, the other goes back with the reason", async () => {
  const cluster = "race";
  const agents = [
    await host(["a"], { cluster }, "StopVm"),
    await host(["b"], { cluster }, "StopVm"),
  ];
  const handles = agents.map(({ agentId }) =>
    rig.temporal.client.workflow.getHandle(agentWorkflowId(agentId)),
  );
  await Promise.all(
    handles.map((handle) => handle.signal(operatorSignals.enterMaintenance, { policy: "stop" })),
  );
  const views = await waitUntil("both are decided", async () => {
    const views = await Promise.all(handles.map((handle) => handle.query(stateQuery)));
    const phases = views.map(({ maintenance }) => maintenance?.phase);
    return phases.includes("refused") && phases.includes("moving") && views;
  });
  const [refused] = views.filter(({ maintenance }) => maintenance?.phase === "refused");
  const [moving] = views.filter(({ maintenance }) => maintenance?.phase === "moving");
  expect(refused).toMatchObject({ resourceState: "Enabled" });
  expect(refused?.maintenance?.outcome).toContain(`${moving?.agentId ?? "?"} is being prepared`);
  await call("DELETE", `agents/${moving?.agentId ?? ""}/maintenance`);
});

it("maintenance, dry run - says what would move where, and changes nothing", async () => {
  const cluster = "dry";
  const near = await host([], { cluster, migrateTo: "near" });
  const { agentId } = await host(["a", "b"], { cluster });
  await waitUntil("the neighbour's row says Up", async () => {
    const { body } = await call("GET", `agents/${near.agentId}?live=false`);
    return body["resourceState"] === "Enabled";
  });
  const path = `agents/${agentId}/maintenance`;
  expect(await call("POST", path, { dryRun: true })).toMatchObject({
    status: 200,
    body: {
      ...{ dryRun: true, policy: "migrate", deadlineSeconds: 3_600, blockers: [] },
      vms: [
        { vm: "a", resource: "host", action: "migrate", destination: near.agentId },
        { vm: "b", action: "migrate" },
      ],
    },
  });
  expect(await call("POST", path, { dryRun: true, policy: "stop" })).toMatchObject({
    body: {
      vms: [
        { vm: "a", action: "stop" },
        { vm: "b", action: "stop" },
      ],
    },
  });
  const { body } = await call("GET", `agents/${agentId}`);
  expect(body).toMatchObject({ lifecycle: { resourceState: "Enabled" }, maintenance: null });
  await call("POST", `agents/${agentId}/disable`);
  expect((await call("POST", path, { dryRun: true })).body).toMatchObject({
    blockers: [{ code: "RESOURCE_STATE" }],
  });
});

it("maintenance, dry run of a host that is away - says that it can't be asked", async () => {
  const agent = await host(["a"], { cluster: "away" });
  agent.close();
  await waitUntil("it is known", async () => {
    const { body } = await call("GET", `agents/${agent.agentId}`);
    return (body as { lifecycle?: { status?: string } }).lifecycle?.status === "Disconnected";
  });
  const { body } = await call("POST", `agents/${agent.agentId}/maintenance`, { dryRun: true });
  expect(body).toMatchObject({ blockers: [{ code: "AGENT_NOT_CONNECTED" }], vms: [] });
  expect(await call("POST", "agents/nobody/maintenance", { dryRun: true })).toMatchObject({
    status: 404,
    body: { code: "AGENT_UNKNOWN" },
  });
});

it.each([{ policy: "explode" }, { deadlineSeconds: 0 }, { deadline: 5 }, { dryRun: "yes" }])(
  "maintenance - %j is refused",
  async (body) => {
    const { agentId } = await connect({ cluster: "shape" });
    expect(await call("POST", `agents/${agentId}/maintenance`, body)).toMatchObject({
      status: 400,
      body: { code: "INVALID_REQUEST" },
    });
  },
);
