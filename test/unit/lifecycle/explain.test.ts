import { expect, test } from "vitest";
import { disconnectRules, explainLoss } from "../../../src/lifecycle/index.ts";
import type { LoggedEvent } from "../../../src/lifecycle/index.ts";

let second = 0;
const event = (type: string, text: string, data?: unknown): LoggedEvent => ({
  at: `2026-11-24T12:00:${String(second++).padStart(2, "0")}.000Z`,
  epoch: 3,
  type,
  text,
  ...(data !== undefined && { data }),
});
const connected = event("connected", "Connected: session 3");
const lost = event("disconnected", "Disconnected: no ping for 2.5 s", {
  rule: "silence",
  gatewayId: "gw-1",
});
const moved = event("status", "Up → Disconnected: no ping", { to: "Disconnected" });
const asked = (investigator: string, verdict: string, more: object = {}) =>
  event("investigation", `Investigator ${investigator}: ${verdict}.`, {
    investigator,
    verdict,
    evidence: `${investigator} looked`,
    tookMs: 12,
    ...more,
  });
const verdict = (rule: string) => event("verdict", "Unknown: nobody knows", { rule });

test("explanation - an agent that was never lost has none", () => {
  expect(explainLoss([])).toBeNull();
  expect(explainLoss([connected])).toBeNull();
});

test("explanation - what was lost, by which rule, on which gateway", () => {
  const explanation = explainLoss([connected, lost, moved]);
  expect(explanation).toMatchObject({
    lost: { text: lost.text, rule: "silence", ruleText: disconnectRules.silence, epoch: 3 },
    asked: [],
    rounds: 0,
    decided: null,
    ended: null,
  });
  expect(explanation?.lost.gatewayId).toBe("gw-1");
});

test("explanation - the newest round of questions and its decision, with what was done", () => {
  const explanation = explainLoss([
    lost,
    asked("agent", "Unknown"),
    asked("ping", "Unknown"),
    verdict("nobodyKnows"),
    asked("agent", "Unknown"),
    asked("redfish", "Down", { proof: "PowerState is Off" }),
    verdict("hostDown"),
    event("alertRaised", "Host down: …"),
    event("recoveryCalled", "Recovery called: …"),
  ]);
  expect(explanation?.asked.map((one) => [one.investigator, one.verdict])).toEqual([
    ["agent", "Unknown"],
    ["redfish", "Down"],
  ]);
  expect(explanation?.asked[1]).toMatchObject({ proof: "PowerState is Off", tookMs: 12 });
  expect(explanation?.rounds).toBe(2);
  expect(explanation?.decided).toMatchObject({ rule: "hostDown" });
  expect(explanation?.done.map(({ text }) => text)).toEqual(["Host down: …", "Recovery called: …"]);
});

test("explanation - a round under way is shown beside the last decision", () => {
  const explanation = explainLoss([
    lost,
    asked("ping", "Unknown"),
    verdict("nobodyKnows"),
    asked("agent", "Unknown"),
  ]);
  expect(explanation?.asked.map((one) => one.investigator)).toEqual(["agent"]);
  expect(explanation?.decided).toMatchObject({ rule: "nobodyKnows" });
});

test("explanation - a loss that is over says how it ended, and that its alert was cleared", () => {
  const back = event("connected", "Connected: session 4");
  const explanation = explainLoss([
    lost,
    event("status", "Disconnected → Alert", { to: "Alert", rule: "waitedTooLong" }),
    event("alertRaised", "Agent lost: …"),
    back,
    event("alertCleared", "Alert cleared: the agent is Up"),
    asked("ping", "Down"),
  ]);
  expect(explanation?.ended).toEqual({ at: back.at, text: back.text });
  expect(explanation?.decided).toMatchObject({ rule: "waitedTooLong" });
  expect(explanation?.done.map(({ text }) => text)).toEqual([
    "Agent lost: …",
    "Alert cleared: the agent is Up",
  ]);
  expect(explanation?.asked).toEqual([]);
});

test("explanation - events of other releases, or rubbish in their data, are told as far as they go", () => {
  const explanation = explainLoss([
    { ...lost, data: "rubbish" },
    event("investigation", "Investigator x: Unknown.", null),
    event("verdict", "Unknown: …", { rule: "aRuleOfTomorrow" }),
  ]);
  expect(explanation?.lost.rule).toBeUndefined();
  expect(explanation?.asked).toMatchObject([{ investigator: "unknown", verdict: "Unknown" }]);
  expect(explanation?.decided).toEqual(
    expect.objectContaining({ rule: "aRuleOfTomorrow" }) as object,
  );
  expect(explanation?.decided?.ruleText).toBeUndefined();
});
