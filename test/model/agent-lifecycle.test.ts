/**
 * The laws of an agent's life, over random sequences of causes, pings, reconnects, verdicts, renewals and operators' verbs at
 * random times, run by the lifecycle's own code. A failing run prints its seed and its shortest sequence.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { shutdownReasons } from "../../src/api/index.ts";
import { pingTimeoutMs } from "../../src/lifecycle/index.ts";
import type { DisconnectCause, OperatorVerb } from "../../src/workflows/agent-messages.ts";
import { settings, SimulatedAgent } from "./simulated-agent.ts";
import type { BrakeTruth, Truth } from "./simulated-agent.ts";
import { simulatedNowMs } from "./simulated-temporal.ts";

vi.mock("@temporalio/workflow", async () => ({
  ...(await vi.importActual("@temporalio/workflow")),
  ...(await import("./simulated-temporal.ts")).simulatedWorkflowModule,
}));

let agent: SimulatedAgent;
beforeEach(() => {
  vi.spyOn(Date, "now").mockImplementation(simulatedNowMs);
  agent = new SimulatedAgent();
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Step =
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "connect" | "ping" | "renew" | "gatewayLost" }
  | { readonly do: "disconnect"; readonly cause: DisconnectCause }
  | { readonly do: "refused"; readonly retryable: boolean }
  | OldNews
  | { readonly do: "verb"; readonly verb: OperatorVerb }
  | { readonly do: "truth"; readonly truth: Truth }
  | { readonly do: "brake"; readonly brake: BrakeTruth }
  | { readonly do: "speed"; readonly answerMs: number };

/** What is still said of a session that a newer one has replaced. */
type OldNews =
  | { readonly do: "oldConnect" | "oldPing" | "oldGatewayLost" }
  | { readonly do: "oldDisconnect"; readonly cause: DisconnectCause };

const causes: fc.Arbitrary<DisconnectCause> = fc.oneof(
  fc.record({ type: fc.constant("goodbye" as const), reason: fc.constantFrom(...shutdownReasons) }),
  fc.constant({ type: "socketLost", details: "closed with 1006" } as const),
  fc.constant({ type: "pingTimeout", silentForMs: 25_000 } as const),
  fc.record({
    type: fc.constant("handshakeFailed" as const),
    details: fc.constant("no Ready"),
    retryable: fc.boolean(),
  }),
  fc.constant({ type: "reconnectAsked", by: "ada" } as const),
);
const verbs: readonly OperatorVerb[] = [
  "enterMaintenance",
  "cancelMaintenance",
  "enable",
  "disable",
  "unmanage",
  "manage",
  "reconnect",
];
const truths: readonly Truth[] = [
  "Up",
  "Down",
  "Down",
  "Down",
  "Unknown",
  "throws",
  "rubbish",
  "hangs",
];
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(30_000) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("connect" as const, "ping" as const, "renew" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("disconnect" as const), cause: causes }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("gatewayLost" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("refused" as const), retryable: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("oldConnect" as const, "oldPing" as const, "oldGatewayLost" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("oldDisconnect" as const), cause: causes }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("verb" as const), verb: fc.constantFrom(...verbs) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("truth" as const), truth: fc.constantFrom(...truths) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("brake" as const),
      brake: fc.constantFrom("free" as const, "held" as const, "away" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("speed" as const),
      answerMs: fc.constantFrom(0, 100, 4_000),
    }),
  },
);

/** What no message of an old session may change. */
const kept = () => {
  const { status, resourceState, epoch, session, loss } = agent.state;
  return JSON.stringify({ status, resourceState, epoch, session, loss });
};

async function take(one: Step): Promise<void> {
  switch (one.do) {
    case "pass":
      await agent.pass(one.ms);
      return;
    case "connect":
      agent.connect();
      break;
    case "ping":
      agent.ping();
      break;
    case "renew":
      agent.renew();
      break;
    case "disconnect":
      agent.disconnect(one.cause);
      break;
    case "refused":
      agent.refused(one.retryable);
      break;
    case "gatewayLost":
      agent.gatewayLost(agent.state.session?.incarnation ?? "none");
      break;
    case "verb":
      agent.verb(one.verb);
      break;
    case "truth":
      agent.truth = one.truth;
      break;
    case "brake":
      agent.brake = one.brake;
      break;
    case "speed":
      agent.answerMs = one.answerMs;
      break;
    case "oldConnect":
    case "oldPing":
    case "oldDisconnect":
    case "oldGatewayLost":
      await takeOld(one);
      return;
  }
  await agent.temporal.settle();
}

/** Law: no state change by an old epoch. */
async function takeOld(one: OldNews): Promise<void> {
  await agent.temporal.settle();
  if (agent.epoch < 1) return;
  const before = kept();
  switch (one.do) {
    case "oldConnect":
      agent.connect(agent.epoch);
      break;
    case "oldPing":
      agent.ping(agent.epoch - 1);
      break;
    case "oldGatewayLost":
      agent.gatewayLost("run-of-long-ago");
      break;
    case "oldDisconnect":
      agent.disconnect(one.cause, agent.epoch - 1);
      break;
  }
  await agent.temporal.settle();
  expect(kept(), "an old epoch changed the state").toBe(before);
}

/** Laws that hold at every moment. */
function judge(): void {
  const { status, loss, epoch, pingDeadlineMs, session } = agent.state;
  const { nowMs, children } = agent.temporal;
  expect(agent.failure, "the main loop failed").toBeUndefined();
  if (status === "Down") {
    expect(loss, "Down without a loss").not.toBeNull();
    const since = loss?.atMs ?? 0;
    const proven = agent.downs.some((down) => down.epoch === epoch && down.atMs >= since);
    expect(proven, "Down without a Down verdict of the current loss").toBe(true);
    expect(
      agent.freed.some(({ atMs }) => atMs >= since),
      "Down past a brake",
    ).toBe(true);
  }
  expect(new Set(children).size, "two recoveries for one loss").toBe(children.length);
  const lateMs = 1_000;
  if (session !== null && pingDeadlineMs !== null) {
    expect(nowMs - pingDeadlineMs, "silence found too late").toBeLessThanOrEqual(lateMs);
  }
  if (loss?.alertAtMs !== undefined) {
    expect(nowMs - loss.alertAtMs, "Alert too late").toBeLessThanOrEqual(lateMs);
  }
}

/** Laws of a whole life, read off its events. */
function judgeStory(): void {
  let lossAtMs: number | undefined;
  let recovered = false;
  for (const { type, data, atMs } of agent.events) {
    if (type === "disconnected") {
      lossAtMs = atMs;
      recovered = false;
    }
    if (type === "recoveryCalled") {
      expect(recovered, "two recoveries for one loss").toBe(false);
      recovered = true;
    }
    if (type !== "status" || lossAtMs === undefined) continue;
    if (data?.["rule"] === "waitedTooLong") {
      expect(atMs - lossAtMs, "Alert too early").toBeGreaterThanOrEqual(settings.alertWaitMs);
    }
  }
}

describe("an agent's life", () => {
  test("agentLifecycle - keeps its laws over random sequences, and an agent that reconnects is Up", async () => {
    const seen = new Map<string, number>();
    const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40, size: "max" }),
        async (steps) => {
          agent = new SimulatedAgent();
          agent.connect();
          await agent.temporal.settle();
          for (const one of steps) {
            await take(one);
            judge();
          }
          agent.connect();
          await agent.temporal.settle();
          judge();
          expect(agent.status, "stuck").toBe("Up");
          expect(agent.state.alert, "an alert of an agent that is back").toBeNull();
          await agent.pass(0);
          judgeStory();
          for (const { type, data } of agent.events) {
            note(type);
            note(`${type} ${String(data?.["rule"])}`);
          }
        },
      ),
      { numRuns: 1_000 },
    );
    // Laws over lives in which nothing happens would prove nothing.
    for (const happened of [
      "status hostDown",
      "recoveryCalled",
      "braked",
      "status waitedTooLong",
      "status wrongSetUp",
      "disconnected gatewayLost",
      "disconnected outOfService",
      "verdict hostAlive",
      "verdict nobodyKnows",
    ]) {
      expect(seen.get(happened) ?? 0, `${happened} in a thousand lives`).toBeGreaterThan(0);
    }
  });

  test.each(["Up", "Unknown", "throws", "rubbish", "hangs"] as const)(
    "agentLifecycle - a host of which every Investigator says %s is never Down, however long",
    async (truth) => {
      agent.truth = truth;
      agent.connect();
      agent.disconnect({ type: "socketLost", details: "closed" });
      for (let hour = 0; hour < 6; hour++) {
        await agent.pass(3_600_000);
        expect(agent.status).toBe("Alert");
      }
      expect(agent.temporal.children).toEqual([]);
      // It goes on being looked into: a proof still counts.
      agent.truth = "Down";
      await agent.pass(60_000);
      expect(agent.status).toBe("Down");
    },
  );

  test("agentLifecycle - silence is found at 2.5 intervals, neither early nor more than a second late", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ afterMs: fc.nat(20_000), vouchForMs: fc.nat(100_000) }), {
          maxLength: 10,
        }),
        async (pings) => {
          agent = new SimulatedAgent();
          agent.connect();
          await agent.temporal.settle();
          let dueMs = agent.temporal.nowMs + pingTimeoutMs(settings);
          for (const { afterMs, vouchForMs } of pings) {
            await agent.pass(afterMs);
            if (agent.status !== "Up") break;
            agent.ping(agent.epoch, vouchForMs);
            await agent.temporal.settle();
            dueMs = agent.temporal.nowMs + vouchForMs + pingTimeoutMs(settings);
          }
          if (agent.status === "Up") {
            await agent.pass(dueMs - agent.temporal.nowMs - 1);
            expect(agent.status, "too early").toBe("Up");
            await agent.pass(1_001);
          }
          expect(agent.status).toBe("Disconnected");
        },
      ),
      { numRuns: 200 },
    );
  });

  test("agentLifecycle - a lost socket gets its grace to the millisecond, then the Investigators are asked", async () => {
    agent.connect();
    agent.disconnect({ type: "socketLost", details: "closed" });
    await agent.pass(settings.reconnectGraceMs - 1);
    expect(agent.events.some(({ type }) => type === "investigation")).toBe(false);
    await agent.pass(1_000);
    expect(agent.events.some(({ type }) => type === "investigation")).toBe(true);
  });

  test("agentLifecycle - a lost gateway: a full ping timeout of grace to the millisecond, then what every loss leads to", async () => {
    agent.truth = "Unknown";
    agent.connect();
    await agent.temporal.settle();
    agent.gatewayLost(agent.state.session?.incarnation ?? "none");
    await agent.pass(pingTimeoutMs(settings) - 1);
    expect(agent.status).toBe("Disconnected");
    expect(agent.events.some(({ type }) => type === "investigation")).toBe(false);
    await agent.pass(1_000);
    expect(agent.events.some(({ type }) => type === "investigation")).toBe(true);
    await agent.pass(settings.alertWaitMs);
    expect(agent.status).toBe("Alert");
    // Asked again and again: a proof that comes later still counts.
    agent.truth = "Down";
    await agent.pass(settings.investigateRetryMs + 1_000);
    expect(agent.status).toBe("Down");
  });

  test("agentLifecycle - a lost gateway: who is back elsewhere within the grace is Up, and nobody is asked about it", async () => {
    agent.truth = "Down";
    agent.connect();
    await agent.temporal.settle();
    agent.gatewayLost(agent.state.session?.incarnation ?? "none");
    await agent.pass(pingTimeoutMs(settings) - 1);
    expect(agent.status).toBe("Disconnected");
    agent.connect();
    await agent.pass(pingTimeoutMs(settings) - 1);
    expect(agent.status).toBe("Up");
    expect(agent.events.some(({ type }) => type === "investigation")).toBe(false);
  });

  test("agentLifecycle - Alert comes at alert.wait after the loss, whatever is asked in between", async () => {
    agent.truth = "hangs";
    agent.connect();
    agent.disconnect({ type: "pingTimeout", silentForMs: 25_000 });
    await agent.pass(settings.alertWaitMs - 1);
    expect(agent.status).toBe("Disconnected");
    await agent.pass(1_000);
    expect(agent.status).toBe("Alert");
  });
});
