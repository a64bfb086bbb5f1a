import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { registerIdentity } from "../../../src/db/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { TestAgent } from "../gateway/test-agent.ts";
import { joinToken } from "../gateway/test-gateway.ts";
import { useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { call, connect } = rig;

interface Named {
  readonly name: string;
}
async function listed(path: "zones" | "clusters", name: string): Promise<object | undefined> {
  const { body } = await call("GET", path);
  return (body[path] as Named[]).find((one) => one.name === name);
}

/** A hello that is refused; gives the agent's id. */
async function refused(fields: { zone?: string; cluster?: string; resourceType?: string }) {
  const agent = await TestAgent.hello(rig.gateway.agentUrl, { joinToken, ...fields });
  await agent.untilClosed();
  return agent.agentId;
}

describe("places", () => {
  it("places - are declared, listed and removed; declaring again changes nothing", async () => {
    for (let i = 0; i < 2; i++) {
      const zone = await call("POST", "zones", { name: "north" });
      expect(zone).toMatchObject({
        status: 200,
        body: { name: "north", learnt: false, agents: 0 },
      });
      const body = { name: "n1", resourceType: "kvm" };
      expect(await call("POST", "zones/north/clusters", body)).toMatchObject({
        status: 200,
        body: { zone: "north", name: "n1", resourceType: "kvm", learnt: false, agents: 0 },
      });
    }
    expect(await listed("zones", "north")).toMatchObject({ clusters: 1 });
    expect(await call("GET", "zones/north/clusters")).toMatchObject({
      body: { clusters: [{ name: "n1" }] },
    });
    expect(await call("DELETE", "zones/north")).toMatchObject({
      status: 409,
      body: {
        code: "PLACE_IN_USE",
        detail: expect.stringContaining("1 cluster") as string,
      },
    });
    expect((await call("DELETE", "zones/north/clusters/n1")).status).toBe(200);
    expect(await call("DELETE", "zones/north")).toMatchObject({ body: { removed: "north" } });
    expect(await listed("zones", "north")).toBeUndefined();
  });

  it("places - with agents in them are neither removed nor given another type, and it is said what to do", async () => {
    await connect({ zone: "busy", cluster: "b1" });
    await connect({ zone: "busy", cluster: "b1" });
    expect(await listed("clusters", "b1")).toMatchObject({ learnt: true, agents: 2 });
    const inUse = await call("DELETE", "zones/busy/clusters/b1");
    expect(inUse).toMatchObject({ status: 409, body: { code: "PLACE_IN_USE" } });
    expect(inUse.body["detail"]).toMatch(/2 agents.*muster agents --zone busy --cluster b1/s);
    const zone = await call("DELETE", "zones/busy");
    expect(zone.body["detail"]).toMatch(/2 agents.*muster agents --zone busy/s);
    const other = { name: "b1", resourceType: "kvm" };
    const fixed = await call("POST", "zones/busy/clusters", other);
    expect(fixed).toMatchObject({ status: 409, body: { code: "CLUSTER_TYPE_FIXED" } });
    expect(fixed.body["detail"]).toMatch(/2 agents of type simulator/);
    const same = await call("POST", "zones/busy/clusters", { ...other, resourceType: "simulator" });
    expect(same).toMatchObject({ status: 200, body: { learnt: false } });
  });

  it("places - an empty cluster takes another type", async () => {
    await call("POST", "zones", { name: "typed" });
    for (const resourceType of ["kvm", "simulator"]) {
      const reply = await call("POST", "zones/typed/clusters", { name: "t1", resourceType });
      expect(reply).toMatchObject({ status: 200, body: { resourceType } });
    }
  });

  it("places - one that is not there is said to be unknown", async () => {
    const body = { name: "c", resourceType: "kvm" };
    for (const [method, path, code, sent] of [
      ["DELETE", "zones/none", "ZONE_UNKNOWN", undefined],
      ["GET", "zones/none/clusters", "ZONE_UNKNOWN", undefined],
      ["POST", "zones/none/clusters", "ZONE_UNKNOWN", body],
      ["DELETE", "zones/none/clusters/none", "CLUSTER_UNKNOWN", undefined],
    ] as const) {
      expect(await call(method, path, sent)).toMatchObject({ status: 404, body: { code } });
    }
  });

  it.each([{}, { name: "" }, { name: "a\0b" }, { name: "x", more: 1 }, { name: "x".repeat(129) }])(
    "places - a zone of a strange shape is refused: %j",
    async (body) => {
      expect(await call("POST", "zones", body)).toMatchObject({
        body: { code: "INVALID_REQUEST" },
      });
    },
  );
});

describe("refused agents", () => {
  it("refused agents - that were never admitted are listed, explained, and in the words of every call for them", async () => {
    await connect({ zone: "typed-by-agent", cluster: "simulators" });
    const id = await refused({
      zone: "typed-by-agent",
      cluster: "simulators",
      resourceType: "kvm",
    });
    const row = await waitUntil("it is noted", async () => {
      const { status, body } = await call("GET", `refusals/${id}`);
      return status === 200 && body;
    });
    expect(row).toMatchObject({
      agentId: id,
      registered: false,
      code: "RESOURCE_TYPE_MISMATCH",
      gatewayId: rig.gateway.gatewayId,
    });
    const { body } = await call("GET", "refusals?registered=false&zone=typed-by-agent");
    expect(body).toMatchObject({ refusals: [{ agentId: id, count: 1 }], next: null });
    for (const path of [`agents/${id}`, `agents/${id}/events`, `agents/${id}/why`]) {
      const unknown = await call("GET", path);
      expect(unknown).toMatchObject({ status: 404, body: { code: "AGENT_UNKNOWN" } });
      expect(unknown.body["detail"]).toContain("Put the agent into a cluster of its own type");
    }
    expect(await call("GET", "refusals/nobody")).toMatchObject({
      status: 404,
      body: { code: "REFUSAL_UNKNOWN" },
    });
  });

  it("refused agents - that are registered keep their Status, with the refusal beside it until they get in", async () => {
    const agent = await connect({ zone: "moves", cluster: "m1" });
    await call("POST", "zones/moves/clusters", { name: "m2", resourceType: "kvm" });
    const same = { agentId: agent.agentId, secret: agent.secret, joinToken, zone: "moves" };
    const wrong = await TestAgent.hello(rig.gateway.agentUrl, { ...same, cluster: "m2" });
    await wrong.untilClosed();
    const shown = await waitUntil("the refusal is shown", async () => {
      const { body } = await call("GET", "agents?refused=true&zone=moves");
      return (body["agents"] as { refusal: object }[])[0];
    });
    expect(shown).toMatchObject({
      id: agent.agentId,
      status: "Up",
      cluster: "m1",
      refusal: { code: "RESOURCE_TYPE_MISMATCH", cluster: "m2", count: 1 },
    });
    await connect({ ...same, cluster: "m1" });
    expect((await call("GET", `agents/${agent.agentId}`)).body["refusal"]).toBeNull();
  });
});

describe("an agent's inventory", () => {
  it("inventory - is shown with its age, and null before any ping told of it", async () => {
    const agent = await connect();
    expect((await call("GET", `agents/${agent.agentId}`)).body["inventory"]).toBeNull();
    agent.ping([{ name: "host", healthy: true, workloads: { "vm-1": "On" } }]);
    const inventory = await waitUntil("it is written", async () => {
      const { body } = await call("GET", `agents/${agent.agentId}`);
      return body["inventory"];
    });
    expect(inventory).toMatchObject({
      workloads: [{ resource: "host", name: "vm-1", power: "On" }],
      epoch: 1,
      ageMs: expect.any(Number) as number,
    });
  });
});

describe("removing an agent without lifecycle", () => {
  it("remove - works for one that registered and got no further", async () => {
    const id = `agent-${randomUUID()}`;
    const place = { zone: "z1", cluster: "c1", resourceType: "simulator" };
    const secretHash = Buffer.alloc(32, 7);
    await registerIdentity(rig.database.pool, { id, secretHash, ...place, host: {} });
    const removed = await call("DELETE", `agents/${id}?by=test&reason=mistake`);
    expect(removed).toMatchObject({ status: 200, body: { status: "Removed" } });
    expect((await call("GET", `agents/${id}`)).body).toMatchObject({
      status: "Removed",
      statusReason: "removed by test: mistake",
    });
    expect(await call("DELETE", `agents/${id}`)).toMatchObject({
      status: 410,
      body: { code: "AGENT_REMOVED" },
    });
  });

  it("remove - of an id that nobody registered is refused", async () => {
    expect(await call("DELETE", "agents/nobody")).toMatchObject({
      status: 404,
      body: { code: "AGENT_UNKNOWN" },
    });
  });
});
