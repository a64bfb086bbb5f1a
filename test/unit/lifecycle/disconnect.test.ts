import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resourceStates, shutdownReasons, statuses } from "../../../src/api/index.ts";
import {
  decideDisconnect,
  disconnectRules,
  isLost,
  nextStatus,
} from "../../../src/lifecycle/index.ts";
import type {
  Decided,
  DisconnectInput,
  InvestigatorFinding,
  LossCause,
} from "../../../src/lifecycle/index.ts";

const settings = {
  pingIntervalMs: 60_000,
  pingTimeoutMultiplier: 2.5,
  reconnectGraceMs: 5_000,
  alertWaitMs: 1_800_000,
  investigateRetryMs: 60_000,
};
const nowMs = 1_000_000;
const base: DisconnectInput = {
  status: "Up",
  statusReason: "connected",
  evidence: [],
  resourceState: "Enabled",
  cause: { type: "socketLost", details: "closed with 1006" },
  messageEpoch: 7,
  epoch: 7,
  settings,
  nowMs,
};

function lost(input: Partial<DisconnectInput>): Decided {
  const decision = decideDisconnect({ ...base, ...input });
  if (decision.type !== "decided") throw new Error(`ignored: ${decision.reason}`);
  return decision;
}
function watch(decision: Decided) {
  return decision.actions.find((action) => action.type === "watch");
}

describe("each cause, while Up and Enabled", () => {
  const alertAtMs = nowMs + 1_800_000;
  const rows: readonly (readonly [LossCause, Partial<Decided>])[] = [
    [
      { type: "goodbye", reason: "upgrade" },
      { rule: "goodbye", events: ["ShutdownRequested"], actions: [{ type: "clearAlert" }] },
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
      {
        rule: "wrongSetUp",
        events: ["AgentDisconnected", "WaitedTooLong"],
        actions: [{ type: "raiseAlert", kind: "lost" }],
      },
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
        actions: [
          { type: "closeSession", why: "removed" },
          { type: "clearAlert" },
          { type: "end" },
        ],
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
  const inputs: fc.Arbitrary<DisconnectInput> = fc.record({
    status: fc.constantFrom(...statuses),
    resourceState: fc.constantFrom(...resourceStates),
    statusReason: fc.constant("connected"),
    evidence: fc.constant([]),
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
        expect(decideDisconnect(input).type).toBe("ignored");
      }),
    );
  });

  test("disconnect - every transition asked for is in the Status table", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decideDisconnect(input);
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

  test("disconnect - Alert is never forced: the event of the loss comes first, and then that of the wait", () => {
    let alerts = 0;
    fc.assert(
      fc.property(inputs, fc.constantFrom("Up", "Connecting"), (any, status) => {
        const decision = decideDisconnect({ ...any, status, messageEpoch: any.epoch });
        if (decision.type === "ignored") return;
        const waited = decision.events.indexOf("WaitedTooLong");
        if (waited === -1) return;
        alerts += 1;
        expect(decision.events.slice(0, waited)).toEqual(["AgentDisconnected"]);
        expect(decision.events).toHaveLength(waited + 1);
      }),
      { numRuns: 1_000 },
    );
    expect(alerts).toBeGreaterThan(0);
  });

  test("disconnect - Down is never decided from a lost connection, and nothing is due in the past", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decideDisconnect(input);
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
      expect(decideDisconnect({ ...base, status }).type).toBe("ignored");
    }
  });
});

describe("what is found out about a loss", () => {
  const down: InvestigatorFinding = {
    investigator: "redfish",
    verdict: "Down",
    evidence: "asked its BMC",
    proof: "PowerState is Off",
  };
  const unknown: InvestigatorFinding = {
    investigator: "ping",
    verdict: "Unknown",
    evidence: "no reply",
  };
  const free = { held: false, reason: "no mass loss" };
  const later = (evidence: readonly InvestigatorFinding[], brake?: typeof free, status = "Alert") =>
    lost({
      status: status as DisconnectInput["status"],
      cause: { type: "investigated", ...(brake !== undefined && { brake }) },
      evidence,
    });

  test("disconnect - a proven Down is Down, with one alert and one recovery, and nobody is asked again", () => {
    expect(later([unknown, down], free)).toEqual({
      type: "decided",
      rule: "hostDown",
      events: ["HostDown"],
      reason: "Investigator redfish: PowerState is Off",
      actions: [{ type: "raiseAlert", kind: "down" }, { type: "recover" }],
    });
  });

  test("disconnect - a Down in a mass loss is held back, alerted and asked again", () => {
    const decision = later([down], { held: true, reason: "9 of 10 hosts" });
    expect(decision).toMatchObject({ rule: "braked", events: [] });
    expect(decision.actions.map((action) => action.type)).toEqual([
      "holdBack",
      "raiseAlert",
      "investigateAgain",
    ]);
    expect(decision.reason).toContain("9 of 10 hosts");
  });

  test("disconnect - a Down for which the brake was not asked is held back", () => {
    expect(later([down]).rule).toBe("braked");
  });

  test("disconnect - Up and Unknown move nothing and are asked again after investigate.retry", () => {
    const again = [{ type: "investigateAgain", atMs: nowMs + 60_000 }];
    const up = { ...unknown, verdict: "Up" } as const;
    expect(later([up], undefined)).toMatchObject({ rule: "hostAlive", events: [], actions: again });
    for (const evidence of [[], [unknown, unknown]]) {
      expect(later(evidence)).toMatchObject({ rule: "nobodyKnows", events: [], actions: again });
    }
  });

  test("disconnect - waiting too long raises one alert and keeps the reason of the loss", () => {
    const decision = lost({
      status: "Disconnected",
      statusReason: "no ping for 150.0 s",
      cause: { type: "waitedTooLong", lostForMs: 1_800_000 },
    });
    expect(decision).toMatchObject({ rule: "waitedTooLong", events: ["WaitedTooLong"] });
    expect(decision.reason).toBe("not back after 1800 s; no ping for 150.0 s");
    expect(decision.actions).toEqual([{ type: "raiseAlert", kind: "lost" }]);
  });

  test.each(["Up", "Connecting", "Down", "Removed"] as const)(
    "disconnect - an investigation that ends while %s changes nothing",
    (status) => {
      const cause = { type: "investigated", brake: free } as const;
      expect(decideDisconnect({ ...base, status, cause, evidence: [down] }).type).toBe("ignored");
    },
  );

  test("disconnect - each rule says in a sentence what it does", () => {
    for (const text of Object.values(disconnectRules)) expect(text).toMatch(/^[A-Z].*\.$/);
  });
});
