import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { agentOptions, makeHome, startAgent, startGateway } from "./agent-under-test.ts";
import type { FakeGateway, FakeGatewayOptions } from "./fake-gateway.ts";

const move = (to: FakeGateway) => ({ type: "Move", id: "m1", url: to.url, details: "spread anew" });
const stopVm = (id: string) => ({ type: "StopVm", id, vm: "vm-1" });
const elsewhere = { result: false, errorCode: "DRAINING", details: "full", retryAfterMs: 30_000 };

/** An agent that is connected to the first of two gateways and knows no other. */
async function connected(config: object = {}, other: FakeGatewayOptions = {}) {
  const [here, there] = [await startGateway(), await startGateway(other)];
  there.epoch = 10;
  const home = makeHome();
  const agent = startAgent(agentOptions(home, [here.url], { ...config }));
  return { here, there, home, agent, session: await here.session() };
}

describe("Move", () => {
  test("an idle agent - opens the new session first, then ends the old one", async () => {
    const { here, there, session } = await connected({}, { pingIntervalMs: 100 });
    expect(await session.command(move(there))).toMatchObject({ type: "MoveAnswer", result: true });
    const next = await there.session();
    expect(await session.closed).toBe(1000);
    await waitUntil("it pings there", () => next.requests("Ping").length > 0);
    next.durable(1, [stopVm("a")]);
    expect(await next.answers("durable", 1)).toMatchObject([{ result: true }]);
    expect(here.sessions).toHaveLength(1);
  });

  test("Commands under way - go on, and each is answered once", async () => {
    const delayed = { faults: { StopVm: { delayMs: 400 }, GetHostStats: { delayMs: 400 } } };
    const { there, home, session } = await connected(delayed);
    session.durable(1, [stopVm("a")]);
    session.direct(1, [{ type: "GetHostStats", id: "b" }]);
    const moved = session.command(move(there));
    const next = await there.session();
    // As the lifecycle does when it hears of a new session.
    next.durable(1, [stopVm("a")]);
    expect(await moved).toMatchObject({ result: true });
    expect(await next.answers("durable", 1)).toMatchObject([{ result: true }]);
    expect(await session.answers("direct", 1)).toMatchObject([{ result: true }]);
    expect(await session.closed).toBe(1000);
    expect(home.effectsOf("a")).toBe(1);
    expect([...session.responses("durable", 1), ...next.responses("durable", 1)]).toHaveLength(1);
  });

  test("a Request that the old gateway wrote late, as one that lags does - is answered", async () => {
    const { there, session } = await connected();
    await session.command(move(there));
    await sleep(300);
    session.direct(1, [{ type: "GetHostStats", id: "b" }]);
    expect(await session.answers("direct", 1)).toMatchObject([{ result: true }]);
    expect(await session.closed).toBe(1000);
  });

  test("Answers that nobody acknowledged - leave by the new session", async () => {
    const { there, session } = await connected();
    session.durable(1, [stopVm("a")]);
    await session.answers("durable", 1);
    await session.command(move(there));
    const next = await there.session();
    expect(await next.answers("durable", 1)).toMatchObject([{ commandId: "a", result: true }]);
  });

  test.each([
    ["a gateway that takes nobody", { admit: () => elsewhere }],
    ["a gateway that refuses", { admit: () => ({ result: false, errorCode: "VETOED" }) }],
  ])("to %s - the agent stays, and says why", async (_what, other) => {
    const { there, session } = await connected({}, other);
    expect(await session.command(move(there))).toMatchObject({
      result: false,
      errorCode: "NOT_MOVED",
    });
    session.durable(1, [stopVm("a")]);
    expect(await session.answers("durable", 1)).toMatchObject([{ result: true }]);
  });

  test("to a gateway that is not there - the agent stays", async () => {
    const { there, session } = await connected();
    const { url } = there;
    await there.stop();
    const answer = await session.command({ type: "Move", id: "m1", url, details: "" });
    expect(answer).toMatchObject({ result: false, errorCode: "NOT_MOVED" });
    expect(session.ws.readyState).toBe(session.ws.OPEN);
  });

  test("to where it is - the agent stays", async () => {
    const { here, session } = await connected();
    expect(await session.command(move(here))).toMatchObject({ result: false });
    expect(here.sessions).toHaveLength(1);
  });

  test("twice at once - one of them counts", async () => {
    const { there, session } = await connected();
    const answers = await Promise.all([session.command(move(there)), session.command(move(there))]);
    expect(answers.filter(({ result }) => result)).toHaveLength(1);
    expect(there.sessions).toHaveLength(1);
  });

  test("the old session is lost in the middle - the new one counts", async () => {
    const { here, there, session } = await connected();
    const seq = 900;
    session.send({ v: 1, kind: "request", seq, lane: "session", commands: [move(there)] });
    await waitUntil("the agent dials", () => there.sessions.length > 0);
    session.ws.terminate();
    const next = await there.session();
    next.durable(1, [stopVm("a")]);
    expect(await next.answers("durable", 1)).toMatchObject([{ result: true }]);
    expect(here.sessions).toHaveLength(1);
  });

  test("the agent stops later - says goodbye where it is now", async () => {
    const { there, session, agent } = await connected();
    await session.command(move(there));
    const next = await there.session();
    await agent.stop();
    expect(next.requests("Shutdown")).toHaveLength(1);
    expect(session.requests("Shutdown")).toHaveLength(0);
  });
});

describe("a gateway that is being emptied", () => {
  test("names others - the agent tries them at once", async () => {
    const there = await startGateway();
    const here = await startGateway({ admit: () => ({ ...elsewhere, gateways: [there.url] }) });
    startAgent(agentOptions(makeHome(), [here.url]));
    await there.session();
    expect(here.sessions).toHaveLength(1);
  });
});
