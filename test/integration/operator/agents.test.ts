import { describe, expect, it } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { answering, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { connect, call } = rig;

describe("agents", () => {
  it("agents - are listed in pages, filtered, with their gateway", async () => {
    const cluster = "paged";
    for (const agentId of ["page-a", "page-b", "page-c"]) await connect({ agentId, cluster });
    const first = await call("GET", `agents?cluster=${cluster}&limit=2`);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      agents: [{ id: "page-a", status: "Up", gatewayId: rig.gateway.gatewayId }, { id: "page-b" }],
      next: "page-b",
    });
    const second = await call("GET", `agents?cluster=${cluster}&limit=2&after=page-b`);
    expect(second.body).toMatchObject({ agents: [{ id: "page-c" }], next: null });
    const down = await call("GET", `agents?cluster=${cluster}&status=Down`);
    expect(down.body).toEqual({ agents: [], next: null });
  });

  it("an agent - is its row and its lifecycle's own view, nothing stale", async () => {
    const agent = await connect();
    const { status, body } = await waitUntil("the row follows", async () => {
      const reply = await call("GET", `agents/${agent.agentId}`);
      return (reply.body["stale"] as unknown[]).length === 0 && reply;
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: agent.agentId,
      status: "Up",
      resourceState: "Enabled",
      epoch: agent.epoch,
      lifecycle: { status: "Up", session: { gatewayId: rig.gateway.gatewayId } },
    });
    const events = await call("GET", `agents/${agent.agentId}/events`);
    const types = (events.body["events"] as { type: string }[]).map(({ type }) => type);
    expect(types).toContain("connected");
  });

  it("an agent that never connected - is not known", async () => {
    for (const path of ["agents/nobody", "agents/nobody/events"]) {
      expect(await call("GET", path)).toMatchObject({
        status: 404,
        body: { code: "AGENT_UNKNOWN", status: 404 },
      });
    }
    expect(await call("POST", "agents/nobody/enable")).toMatchObject({
      status: 404,
      body: { code: "AGENT_UNKNOWN" },
    });
    const sent = await call("POST", "agents/nobody/commands", { commands: [{ type: "ListVms" }] });
    expect(sent).toMatchObject({ status: 404, body: { code: "AGENT_UNKNOWN" } });
  });
});

describe("Commands", () => {
  it("durable - one Answer for each Command; the Request is on record; cancelling it is too late", async () => {
    const agent = await connect();
    answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true }));
    const sent = await call("POST", `agents/${agent.agentId}/commands`, {
      commands: [
        { type: "StopVm", id: "stop-1", vm: "a" },
        { type: "StartVm", vm: "a" },
      ],
      requestId: "request-1",
    });
    expect(sent).toMatchObject({
      status: 200,
      body: {
        requestId: "request-1",
        answers: [
          { type: "StopVmAnswer", commandId: "stop-1", result: true },
          { type: "StartVmAnswer", result: true },
        ],
      },
    });
    expect(await call("GET", "requests/request-1")).toMatchObject({
      status: 200,
      body: { agentId: agent.agentId, requestId: "request-1", state: "settled" },
    });
    expect(await call("DELETE", "requests/request-1")).toMatchObject({
      status: 200,
      body: { result: "settled" },
    });
  });

  it("durable - a wait that passes is said in the Answers", async () => {
    const agent = await connect();
    const sent = await call("POST", `agents/${agent.agentId}/commands`, {
      commands: [{ type: "StopVm", vm: "a" }],
      waitSeconds: 0.5,
    });
    expect(sent).toMatchObject({
      status: 200,
      body: { answers: [{ type: "ErrorAnswer", result: false, outcome: "unknown" }] },
    });
  });

  it("durable - a cancelled Request is answered, once", async () => {
    const agent = await connect();
    const sent = call("POST", `agents/${agent.agentId}/commands`, {
      commands: [{ type: "StopVm", id: "stop-2", vm: "a" }],
      requestId: "request-2",
    });
    const request = await agent.next(
      "the Request",
      ({ commands }) => commands?.[0]?.id === "stop-2",
    );
    expect(await call("GET", "requests/request-2")).toMatchObject({ body: { state: "pending" } });
    expect(await call("DELETE", "requests/request-2?reason=too+long")).toMatchObject({
      status: 200,
      body: { result: "asked" },
    });
    agent.respond(request, [{ type: "StopVmAnswer", result: false, errorCode: "CANCELLED" }]);
    expect(await sent).toMatchObject({
      body: { answers: [{ commandId: "stop-2", errorCode: "CANCELLED" }] },
    });
  });

  it("direct - read-only Commands pass, others are refused", async () => {
    const agent = await connect();
    answering(agent, ({ type }) => ({ type: `${type}Answer`, result: true, vms: [] }));
    const path = `agents/${agent.agentId}/commands`;
    const listed = await call("POST", path, { commands: [{ type: "ListVms" }], lane: "direct" });
    expect(listed).toMatchObject({ status: 200, body: { answers: [{ type: "ListVmsAnswer" }] } });
    const commands = [{ type: "StopVm", vm: "a" }];
    expect(await call("POST", path, { commands, lane: "direct" })).toMatchObject({
      status: 422,
      body: { code: "NOT_READ_ONLY" },
    });
  });

  it("a request id of another agent - is refused", async () => {
    const [one, other] = [await connect(), await connect()];
    answering(one, ({ type }) => ({ type: `${type}Answer`, result: true }));
    const body = { commands: [{ type: "StopVm", vm: "a" }], requestId: "request-3" };
    await call("POST", `agents/${one.agentId}/commands`, body);
    expect(await call("POST", `agents/${other.agentId}/commands`, body)).toMatchObject({
      status: 409,
      body: { code: "REQUEST_ID_TAKEN" },
    });
  });

  it("a request that nobody sent - is not known", async () => {
    for (const method of ["GET", "DELETE"]) {
      expect(await call(method, "requests/never")).toMatchObject({
        status: 404,
        body: { code: "REQUEST_UNKNOWN" },
      });
    }
  });
});

describe("verbs", () => {
  it("disable, enable, unmanage, manage - move the resource state; what the table lacks is refused", async () => {
    const { agentId } = await connect();
    for (const [verb, resourceState] of [
      ["disable", "Disabled"],
      ["enable", "Enabled"],
      ["unmanage", "Unmanaged"],
      ["manage", "Enabled"],
    ] as const) {
      expect(await call("POST", `agents/${agentId}/${verb}`)).toMatchObject({
        status: 200,
        body: { resourceState },
      });
    }
    const refused = await call("DELETE", `agents/${agentId}/maintenance`);
    expect(refused).toMatchObject({ status: 409, body: { code: "RESOURCE_STATE" } });
    expect(String(refused.body["detail"])).toContain("Enabled");
  });

  it("the same idempotency key - is the same asking", async () => {
    const { agentId } = await connect();
    const disable = () =>
      fetch(`${rig.gateway.apiUrl}/api/v1/agents/${agentId}/disable`, {
        method: "POST",
        headers: { authorization: "Bearer api-token-of-the-tests", "idempotency-key": "once" },
      });
    expect((await disable()).status).toBe(200);
    await call("POST", `agents/${agentId}/enable`);
    // A second asking would disable again.
    expect((await disable()).status).toBe(200);
    expect(await call("GET", `agents/${agentId}`)).toMatchObject({
      body: { lifecycle: { resourceState: "Enabled" } },
    });
  });

  it("configure - the agent is told its new ping interval", async () => {
    const agent = await connect();
    expect(await call("PATCH", `agents/${agent.agentId}`, { pingIntervalMs: 1_234 })).toMatchObject(
      { status: 200 },
    );
    await waitUntil("a PingAnswer names it", async () => {
      const id = agent.ping();
      const frame = await agent.next("an answer", (one) => one.answers?.[0]?.commandId === id);
      return (frame.answers?.[0] as { pingIntervalMs?: number }).pingIntervalMs === 1_234;
    });
    for (const body of [{}, { pingIntervalMs: 1 }, { pingInterval: 5_000 }]) {
      expect(await call("PATCH", `agents/${agent.agentId}`, body)).toMatchObject({
        status: 400,
        body: { code: "INVALID_REQUEST" },
      });
    }
  });

  it("reconnect - ends the session; remove - ends the agent", async () => {
    const agent = await connect();
    expect(await call("POST", `agents/${agent.agentId}/reconnect`)).toMatchObject({ status: 200 });
    await agent.untilClosed();
    expect(await call("DELETE", `agents/${agent.agentId}?reason=sold&by=me`)).toMatchObject({
      status: 200,
      body: { status: "Removed" },
    });
    const again = await waitUntil("the record is written", async () => {
      const reply = await call("DELETE", `agents/${agent.agentId}`);
      return reply.status === 410 && reply;
    });
    expect(again.body).toMatchObject({ code: "AGENT_REMOVED" });
    const { body } = await call("GET", `agents?withRemoved=true&status=Removed`);
    expect(body).toMatchObject({ agents: [{ id: agent.agentId }] });
  });
});

describe("gateways", () => {
  it("gateways - are listed with their addresses and agents", async () => {
    await connect();
    const { body } = await call("GET", "gateways");
    expect(body).toMatchObject({
      gateways: [{ id: rig.gateway.gatewayId, state: "joined", apiUrl: rig.gateway.apiUrl }],
    });
  });
});
