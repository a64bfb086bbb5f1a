import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { tellListeners } from "../../../src/activities/hooks/tell-listeners.ts";
import { Listeners } from "../../../src/hooks/listeners.ts";
import type { AgentEvent, AgentRecord } from "../../../src/workflows/activity-types.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

function record(events: readonly Partial<AgentEvent>[]): AgentRecord {
  return {
    ...{ agentId: "a", status: "Down", statusReason: "", statusSinceMs: 0 },
    ...{ resourceState: "Enabled", epoch: 3, session: null },
    events: events.map((event, i) => ({
      ...{ no: i + 1, atMs: 1_000, epoch: 3, type: "status", text: `event ${i + 1}` },
      ...event,
    })),
  };
}

describe("what listeners are told of a record", () => {
  it("its events - in order, each by the method of its type; types without one are passed over", async () => {
    const told: unknown[] = [];
    const note = (method: string) => (news: object) => void told.push({ method, ...news });
    const listeners = new Listeners(
      [
        {
          name: "all",
          onStatusChanged: note("onStatusChanged"),
          onResourceStateChanged: note("onResourceStateChanged"),
          onHostDown: note("onHostDown"),
        },
      ],
      { timeoutMs: 5_000, log: pino({ level: "silent" }) },
    );
    const strange = { type: "evacuation" as "status", data: { from: "Up", to: "Down" } };
    tellListeners(
      listeners,
      record([
        { data: { from: "Up", to: "Disconnected" } },
        { type: "verdict", data: { verdict: "Down" } },
        strange,
        { data: { from: "Disconnected", to: "Down" } },
        { data: { from: "Down", to: "Levitating" } },
        { type: "resourceState", data: { from: "Enabled", to: "Disabled", event: "Disable" } },
      ]),
    );
    await waitUntil("all are told", () => told.length === 4);
    const base = { agentId: "a", at: "1970-01-01T00:00:01.000Z", epoch: 3 };
    expect(told).toEqual([
      {
        ...{ method: "onStatusChanged", ...base, no: 1, reason: "event 1" },
        ...{ from: "Up", to: "Disconnected" },
      },
      {
        ...{ method: "onStatusChanged", ...base, no: 4, reason: "event 4" },
        ...{ from: "Disconnected", to: "Down" },
      },
      { method: "onHostDown", ...base, no: 4, reason: "event 4" },
      {
        ...{ method: "onResourceStateChanged", ...base, no: 6, reason: "event 6" },
        ...{ from: "Enabled", to: "Disabled" },
      },
    ]);
  });
});
