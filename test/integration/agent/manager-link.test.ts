/** What resources ask of the manager, through the simulator, which asks whatever a caller wants it to. */
import { describe, expect, test } from "vitest";
import type { WireCommand } from "../../../src/api/index.ts";
import { SimulatorAskManagerCommand } from "../../../src/resources/simulator/simulator-commands.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { agentOptions, makeHome, startAgent, startGateway } from "./agent-under-test.ts";
import type { FakeGatewayOptions } from "./fake-gateway.ts";

async function connected(options: FakeGatewayOptions = {}) {
  const gateway = await startGateway(options);
  startAgent(agentOptions(makeHome(), [gateway.url]));
  return { gateway, session: await gateway.session() };
}

const ask = (id: string, command: Asked, waitMs = 30_000) =>
  new SimulatorAskManagerCommand({ id, command, waitMs }) as unknown as WireCommand;
type Asked = ConstructorParameters<typeof SimulatorAskManagerCommand>[0]["command"];

describe("control Command", () => {
  test("manager that answers - the resource gets the Answer as it is", async () => {
    const { session } = await connected({
      answer: ({ type, limit }) => ({ type: `Own${type}`, result: false, details: String(limit) }),
    });
    session.direct(1, [ask("a", { type: "TemperatureLimit", limit: 7 })]);
    const [answer] = await session.answers("direct", 1);
    expect(answer).toMatchObject({
      result: true,
      answer: { type: "OwnTemperatureLimit", result: false, details: "7" },
    });
    const [asked] = session.requests("TemperatureLimit");
    expect(answer).toMatchObject({ answer: { commandId: asked?.id } });
  });

  test("type of the link itself, no Command at all - refused, nothing is sent", async () => {
    const { session } = await connected();
    session.direct(1, [ask("a", { type: "Ping" })]);
    session.direct(2, [ask("b", { type: "" })]);
    session.direct(3, [ask("c", { type: "Big", text: "x".repeat(1_048_400) }, 1)]);
    for (const seq of [1, 2]) {
      expect(await session.answers("direct", seq)).toMatchObject([
        { result: false, errorCode: "BAD_COMMAND" },
      ]);
    }
    expect(session.requests("Ping")).toEqual([]);
  });

  test("no Answer within the wait - says so; one that comes later changes nothing", async () => {
    const { session } = await connected({ answer: () => null });
    session.direct(1, [ask("a", { type: "Silence" }, 20)]);
    expect(await session.answers("direct", 1)).toMatchObject([{ errorCode: "WAIT_OVER" }]);
    session.send({ v: 1, kind: "response", seq: 2, lane: "session", answers: [] });
    session.direct(2, [{ type: "CheckHealth", id: "h" }]);
    expect(await session.answers("direct", 2)).toMatchObject([{ result: true }]);
  });

  test("Command is cancelled - so is what it asked", async () => {
    const { session } = await connected({ answer: () => null });
    session.direct(1, [ask("a", { type: "Silence" })]);
    await waitUntil("it is asked", () => session.requests("Silence").length === 1);
    await session.command({ type: "CancelDirect", id: "x", seq: 1, details: "enough" });
    expect(await session.answers("direct", 1)).toMatchObject([{ errorCode: "ABORTED" }]);
  });

  test("session ends first - whether it was heard is not known; the next session works", async () => {
    let deaf = true;
    const { gateway, session } = await connected({ answer: () => (deaf ? null : {}) });
    // On the durable lane the Command goes on over the loss of its session.
    session.durable(1, [ask("a", { type: "Silence" })]);
    await waitUntil("it is asked", () => session.requests("Silence").length === 1);
    session.ws.terminate();
    const next = await gateway.session(1);
    expect(await next.answers("durable", 1)).toMatchObject([{ errorCode: "SESSION_LOST" }]);
    deaf = false;
    next.direct(1, [ask("b", { type: "Again" })]);
    expect(await next.answers("direct", 1)).toMatchObject([
      { result: true, answer: { type: "AgainAnswer" } },
    ]);
  });
});
