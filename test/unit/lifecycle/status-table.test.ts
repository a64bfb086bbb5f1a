import { describe, expect, test } from "vitest";
import { statusEvents, statuses } from "../../../src/api/index.ts";
import type { Status, StatusEvent } from "../../../src/api/index.ts";
import { isLost, nextStatus } from "../../../src/lifecycle/index.ts";

/** CloudStack's table, newest (`Status.java`): from, then event → to. */
const cloudStack: Readonly<Record<Status, string>> = {
  Creating: "AgentConnected Connecting, Error Error",
  Connecting:
    "AgentConnected Connecting, Ready Up, Ping Connecting, PingTimeout Alert, AgentDisconnected Alert, ShutdownRequested Disconnected, HostDown Down, ManagementServerDown Disconnected",
  Up: "AgentConnected Connecting, Ping Up, PingTimeout Alert, AgentDisconnected Alert, ShutdownRequested Disconnected, HostDown Down, ManagementServerDown Disconnected, StartAgentRebalance Rebalancing, Remove Removed",
  Disconnected:
    "AgentConnected Connecting, Ping Up, PingTimeout Alert, AgentDisconnected Disconnected, ShutdownRequested Disconnected, HostDown Down, ManagementServerDown Disconnected, WaitedTooLong Alert, Remove Removed",
  Down: "AgentConnected Connecting, PingTimeout Down, AgentDisconnected Down, ShutdownRequested Disconnected, HostDown Down, ManagementServerDown Down, Remove Removed",
  Alert:
    "AgentConnected Connecting, Ping Up, AgentDisconnected Alert, ShutdownRequested Disconnected, HostDown Down, ManagementServerDown Alert, Remove Removed",
  Rebalancing:
    "AgentConnected Connecting, AgentDisconnected Rebalancing, ShutdownRequested Disconnected, ManagementServerDown Disconnected, AgentRebalanceCompleted Connecting, AgentRebalanceFailed Disconnected",
  Error: "AgentConnected Connecting",
  Unknown: "",
  Removed: "",
};

/** Where Muster differs; the reasons stand beside the table. */
const differences: Readonly<Record<string, Status>> = {
  "Up PingTimeout": "Disconnected",
  "Up AgentDisconnected": "Disconnected",
  "Connecting PingTimeout": "Disconnected",
  "Connecting AgentDisconnected": "Disconnected",
  "Connecting Ping": "Up",
  "Disconnected PingTimeout": "Disconnected",
  "Alert PingTimeout": "Alert",
  "Alert WaitedTooLong": "Alert",
  "Creating Remove": "Removed",
  "Connecting Remove": "Removed",
  "Rebalancing Remove": "Removed",
  "Error Remove": "Removed",
  "Unknown Remove": "Removed",
};

function expected(from: Status, event: StatusEvent): string | undefined {
  const changed = differences[`${from} ${event}`];
  if (changed !== undefined) return changed;
  const cell = cloudStack[from].split(", ").find((entry) => entry.startsWith(`${event} `));
  return cell?.split(" ")[1];
}

describe("status table", () => {
  for (const from of statuses) {
    test(`${from} - takes what CloudStack's takes, but for the differences written down`, () => {
      const cells = statusEvents.map((event) => [event, nextStatus(from, event)]);
      expect(cells).toEqual(statusEvents.map((event) => [event, expected(from, event)]));
    });
  }

  test("Removed - no event leads out of it", () => {
    expect(statusEvents.filter((event) => nextStatus("Removed", event) !== undefined)).toEqual([]);
  });

  // CloudStack 4.22 forces Alert before the real event, which then has no row there and fails.
  test("Alert - only waiting too long leads there, from a state in which the loss is known", () => {
    const ways = statuses.flatMap((from) =>
      statusEvents.flatMap((event) => {
        const comes = from !== "Alert" && nextStatus(from, event) === "Alert";
        return comes ? [`${from} ${event}`] : [];
      }),
    );
    expect(ways).toEqual(["Disconnected WaitedTooLong"]);
  });

  test("Alert - takes every event that an agent without a session can have, a time-out and another wait too", () => {
    const ofSessions = [
      ...["Ready", "StartAgentRebalance", "AgentRebalanceCompleted", "AgentRebalanceFailed"],
      "Error",
    ];
    const taken = statusEvents.filter((event) => nextStatus("Alert", event) !== undefined);
    expect(taken).toEqual(statusEvents.filter((event) => !ofSessions.includes(event)));
    expect(nextStatus("Alert", "PingTimeout")).toBe("Alert");
    expect(nextStatus("Alert", "WaitedTooLong")).toBe("Alert");
  });

  test("lost - exactly the states without a session", () => {
    expect(statuses.filter((status) => !isLost(status))).toEqual([
      "Connecting",
      "Up",
      "Rebalancing",
    ]);
  });
});
