import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resourceStates, shutdownReasons, statuses } from "../../../src/api/index.ts";
import { decideLoss, isLost, nextStatus } from "../../../src/lifecycle/index.ts";
import type { LossCause, LossDecision, LossInput } from "../../../src/lifecycle/index.ts";

const settings = {
  pingIntervalMs: 60_000,
  pingTimeoutMultiplier: 2.5,
  reconnectGraceMs: 5_000,
  alertWaitMs: 1_800_000,
};
const nowMs = 1_000_000;
const base: LossInput = {
  status: "Up",
  resourceState: "Enabled",
  cause: { type: "socketLost", details: "closed with 1006" },
  messageEpoch: 7,
  epoch: 7,
  settings,
  nowMs,
};

type Lost = Extract<LossDecision, { type: "lost" }>;
function lost(input: Partial<LossInput>): Lost {
  const decision = decideLoss({ ...base, ...input });
  if (decision.type !== "lost") throw new Error(`ignored: ${decision.reason}`);
  return decision;
}
function watch(decision: Lost) {
  return decision.actions.find((action) => action.type === "watch");
}

describe("each cause, while Up and Enabled", () => {
  const alertAtMs = nowMs + 1_800_000;
  const rows: readonly (readonly [LossCause, Partial<Lost>])[] = [
    [
      { type: "goodbye", reason: "upgrade" },
      { events: ["ShutdownRequested"], actions: [] },
    ],
    [
      { type: "gatewayLost", reason: "no heartbeat" },
      {
        events: ["ManagementServerDown"],
        actions: [{ type: "watch", investigateAtMs: nowMs + 150_000, alertAtMs }],
      },
    ],
    [
      { type: "reconnectAsked", by: "ada" },
      {
        events: ["ShutdownRequested"],
        actions: [
          { type: "closeSession", why: "reconnect" },
          { type: "watch", investigateAtMs: nowMs + 150_000, alertAtMs },
        ],
      },
    ],
    [
      { type: "handshakeFailed", details: "no such cluster", retryable: false },
      { events: ["AgentDisconnected", "WaitedTooLong"], actions: [{ type: "raiseAlert" }] },
    ],
    [
      { type: "handshakeFailed", details: "no Ready in time", retryable: true },
      {
        events: ["AgentDisconnected"],
        actions: [{ type: "watch", investigateAtMs: nowMs + 5_000, alertAtMs }],
      },
    ],
    [
      { type: "socketLost", details: "closed with 1006" },
      {
        events: ["AgentDisconnected"],
        actions: [{ type: "watch", investigateAtMs: nowMs + 5_000, alertAtMs }],
      },
    ],
    [
      { type: "pingTimeout", silentForMs: 150_000 },
      {
        events: ["PingTimeout"],
        actions: [
          { type: "closeSession", why: "silent" },
          { type: "watch", investigateAtMs: nowMs, alertAtMs },
        ],
      },
    ],
    [
      { type: "removed", by: "ada" },
      {
        events: ["Remove"],
        actions: [{ type: "closeSession", why: "removed" }, { type: "end" }],
      },
    ],
  ];
  test.each(rows)("disconnect - %o", (cause, expected) => {
    expect(lost({ cause })).toMatchObject(expected);
  });
});

describe("out of service", () => {
  test.each(["Disabled", "Maintenance", "PrepareForMaintenance", "Unmanaged"] as const)(
    "disconnect - while %s any loss is quiet, and the reason says why",
    (resourceState) => {
      for (const cause of [
        { type: "socketLost", details: "closed" },
        { type: "pingTimeout", silentForMs: 1 },
        { type: "gatewayLost", reason: "gone" },
        { type: "handshakeFailed", details: "wrong", retryable: false },
      ] as const) {
        const decision = lost({ resourceState, cause });
        expect(watch(decision)).toBeUndefined();
        expect(decision.actions.map(({ type }) => type)).not.toContain("raiseAlert");
        expect(decision.reason).toContain(resourceState);
      }
    },
  );

  test("disconnect - while Enabled or in error it is looked into", () => {
    for (const resourceState of ["Enabled", "Degraded", "ErrorInMaintenance", "Error"] as const) {
      expect(watch(lost({ resourceState }))).toBeDefined();
    }
  });
});

describe("whatever happens", () => {
  const causes: fc.Arbitrary<LossCause> = fc.oneof(
    fc.record({
      type: fc.constant("goodbye" as const),
      reason: fc.constantFrom(...shutdownReasons),
    }),
    fc.record({ type: fc.constant("socketLost" as const), details: fc.string() }),
    fc.record({ type: fc.constant("pingTimeout" as const), silentForMs: fc.nat() }),
    fc.record({
      type: fc.constant("handshakeFailed" as const),
      details: fc.string(),
      retryable: fc.boolean(),
    }),
    fc.record({ type: fc.constant("reconnectAsked" as const), by: fc.string() }),
    fc.record({ type: fc.constant("gatewayLost" as const), reason: fc.string() }),
    fc.record({ type: fc.constant("removed" as const), by: fc.string() }),
  );
  const inputs: fc.Arbitrary<LossInput> = fc.record({
    status: fc.constantFrom(...statuses),
    resourceState: fc.constantFrom(...resourceStates),
    cause: causes,
    messageEpoch: fc.integer({ min: 0, max: 4 }),
    epoch: fc.integer({ min: 0, max: 4 }),
    settings: fc.constant(settings),
    nowMs: fc.nat(),
  });

  test("disconnect - a message of another session changes nothing, except a removal", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        fc.pre(input.messageEpoch !== input.epoch && input.cause.type !== "removed");
        expect(decideLoss(input).type).toBe("ignored");
      }),
    );
  });

  test("disconnect - every transition asked for is in the Status table", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decideLoss(input);
        if (decision.type === "ignored") return;
        let status = input.status;
        // Statuses that an agent with a session can't be in are not decided for.
        fc.pre(
          !["Creating", "Error", "Unknown", "Rebalancing"].includes(status) ||
            input.cause.type === "removed",
        );
        for (const event of decision.events) {
          const to = nextStatus(status, event);
          expect(to, `${status} × ${event}`).toBeDefined();
          if (to !== undefined) status = to;
        }
        expect(isLost(status)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("disconnect - Down is never decided from a lost connection, and nothing is due in the past", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decideLoss(input);
        if (decision.type === "ignored") return;
        expect(decision.events).not.toContain("HostDown");
        const watched = watch(decision);
        if (watched?.type === "watch") {
          expect(watched.investigateAtMs).toBeGreaterThanOrEqual(input.nowMs);
          expect(watched.alertAtMs).toBe(input.nowMs + settings.alertWaitMs);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("disconnect - a loss that is being looked into is ended by a goodbye and by nothing else", () => {
    for (const status of ["Disconnected", "Alert", "Down"] as const) {
      expect(lost({ status, cause: { type: "goodbye", reason: "stop" } }).events).toEqual([
        "ShutdownRequested",
      ]);
      expect(decideLoss({ ...base, status }).type).toBe("ignored");
    }
  });
});
