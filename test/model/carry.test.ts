/** What a lifecycle leaves behind when its state is too large for its next run. */
import { describe, expect, test, vi } from "vitest";
import { carry } from "../../src/workflows/agent/carry.ts";
import { newAgentState, type AgentState } from "../../src/workflows/agent/state.ts";

vi.mock("@temporalio/workflow", () => ({ log: { error: () => undefined } }));

const nowMs = 1_000_000;
const large = "x".repeat(1_000_000);

/** A state with this much that may stay behind; `told` and `untold` are records of Requests 1 and 2. */
function stateWith(fill: { told?: string; untold?: string; soFar?: string; events?: string }) {
  const state = newAgentState("host-1", nowMs);
  const record = (seq: number, details: string) => ({
    seq,
    requestId: `r-${seq}`,
    answers: [{ details }],
  });
  Object.assign(state.mailbox, {
    finished: [record(1, fill.told ?? ""), record(2, fill.untold ?? "")],
    pending: [{ seq: 3, requestId: "r-3", soFar: [{ details: fill.soFar ?? "" }], soFarBytes: 9 }],
  });
  const errand = { type: "reply", gatewayId: "g1", requestId: "r-2", seq: 2 };
  Object.assign(state, {
    errands: [{ no: 1, errand, notAfterMs: nowMs }],
    unrecorded: Array.from({ length: 60 }, (_, no) => ({ no, details: fill.events ?? "" })),
  });
  return state;
}
function told(state: AgentState) {
  return {
    finished: state.mailbox.finished.map(({ seq }) => seq),
    soFar: state.mailbox.pending.some(({ soFar }) => soFar !== undefined),
    events: state.unrecorded.length,
    errands: state.errands.length,
  };
}

describe("carry", () => {
  test("a state that fits - is carried whole", () => {
    const carried = carry(stateWith({ told: large }), nowMs);
    expect(told(carried)).toEqual({ finished: [1, 2], soFar: true, events: 60, errands: 1 });
    expect(carried.mailbox.forgottenUpToMs).toBeUndefined();
  });

  test.each([
    ["records that everybody knows go first", { told: large + large }, { finished: [2] }],
    ["then Answers that come again", { soFar: large + large }, { finished: [2], soFar: false }],
    [
      "then old events",
      { events: "x".repeat(33_000) },
      { finished: [2], soFar: false, events: 50 },
    ],
    [
      "then what gateways ask for by themselves",
      { untold: large + large },
      { finished: [], soFar: false, events: 50, errands: 0 },
    ],
  ])("a state that is too large - %s", (_title, fill, left) => {
    const carried = carry(stateWith(fill), nowMs);
    expect(told(carried)).toEqual({ soFar: true, events: 60, errands: 1, ...left });
    expect(carried.mailbox.pending.map(({ seq }) => seq)).toEqual([3]);
    // Repetitions of what is not known any more are refused.
    expect(carried.mailbox.forgottenUpToMs).toBe(nowMs);
  });
});
