import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import { judge, longWaitMs } from "../../faults/checker.ts";
import type { CellFacts, LoadCommand, RequestFacts } from "../../faults/facts.ts";

const step = (id: string, more: Partial<LoadCommand> = {}): LoadCommand => ({
  id,
  type: "Step",
  fails: false,
  takesMs: 0,
  pauseAfter: false,
  ...more,
});
const done = (commandId: string): Answer => ({ type: "StepAnswer", commandId, result: true });
const ended = (commandId: string, outcome: "notSent" | "unknown"): Answer => ({
  type: "ErrorAnswer",
  commandId,
  result: false,
  outcome,
  errorCode: "ANY",
});

function request(
  seq: number,
  commands: readonly LoadCommand[],
  answers: readonly Answer[],
  more: Partial<RequestFacts> = {},
): RequestFacts {
  const requestId = `r${seq}`;
  const view = { requestId, seq, state: "settled", handed: true, commands, answers } as const;
  return {
    requestId,
    agentId: "host-1",
    commands,
    onError: "stop",
    waitMs: longWaitMs,
    caller: { type: "answered", answers },
    tookMs: 1_000,
    asked: 1,
    record: view,
    lifecycle: view,
    ...more,
  };
}

function facts(
  requests: readonly RequestFacts[],
  effects: readonly string[],
  more: Partial<CellFacts> = {},
): CellFacts {
  return {
    requests,
    notes: { "host-1": { effects, begun: effects.map((id) => ({ id, pid: 1 })) } },
    brokenAgentPids: [],
    healedAfterMs: 5_000,
    statusEvents: {},
    historyLengths: {},
    notReplayed: [],
    notWell: [],
    ...more,
  };
}

describe("checker of the fault matrix", () => {
  it("checker - finds nothing where every promise was kept", () => {
    const good = facts([request(1, [step("a")], [done("a")])], ["a"]);
    expect(judge(good)).toEqual({ done: 1, notSent: 0, unknown: 0, refused: 0, violations: [] });
  });

  const one = [step("a")];
  const settled = request(1, one, [done("a")]);
  it.each<readonly [string, CellFacts, string]>([
    ["two effects of one Command", facts([settled], ["a", "a"]), "took effect 2 times"],
    ["done without an effect", facts([settled], []), "done without an effect"],
    [
      "notSent with an effect",
      facts([request(1, one, [ended("a", "notSent")], { waitMs: 5_000 })], ["a"]),
      "and it took effect",
    ],
    [
      "an unknown that nothing excuses",
      facts([request(1, one, [ended("a", "unknown")])], ["a"]),
      "needlessly unknown",
    ],
    [
      "a caller who heard something else than the record says",
      facts(
        [
          request(1, one, [done("a")], {
            caller: { type: "answered", answers: [ended("a", "unknown")] },
          }),
        ],
        ["a"],
      ),
      "caller heard",
    ],
    [
      "a record that the lifecycle does not have",
      facts([request(1, one, [done("a")], { lifecycle: null })], ["a"]),
      "the lifecycle differ",
    ],
    [
      "in-sequence effects out of order",
      facts([settled, request(2, [step("b")], [done("b")])], ["b", "a"]),
      "took effect after",
    ],
    [
      "Commands of one Request out of order",
      facts([request(1, [step("a"), step("b")], [done("a"), done("b")])], ["b", "a"]),
      "took effect after",
    ],
    [
      "a batch that went on after a failure",
      facts(
        [
          request(
            1,
            [step("a", { fails: true }), step("b")],
            [{ type: "StepAnswer", commandId: "a", result: false }, done("b")],
          ),
        ],
        ["b"],
      ),
      "went on after a failure",
    ],
    [
      "an effect of a Request that was refused",
      facts(
        [
          request(1, one, [], {
            record: null,
            lifecycle: null,
            caller: { type: "refused", code: "X" },
          }),
        ],
        ["a"],
      ),
      "was not admitted",
    ],
    [
      "a Request without its Answers",
      facts(
        [
          {
            ...settled,
            record: { requestId: "r1", seq: 1, state: "pending", handed: true, commands: one },
          },
        ],
        ["a"],
      ),
      "without its Answers",
    ],
    [
      "a caller without any Answer",
      facts([{ ...settled, caller: { type: "gaveUp", last: "x" } }], ["a"]),
      "no Answer at all",
    ],
    [
      "a caller who waited too long",
      facts([{ ...settled, tookMs: 55_000 }], ["a"]),
      "after 55000 ms only",
    ],
    [
      "a live host that was Down",
      facts([settled], ["a"], { statusEvents: { "host-1": ["Up → Down: x"] } }),
      "was Down",
    ],
    [
      "a long history",
      facts([settled], ["a"], { historyLengths: { "host-1": 5_000 } }),
      "5000 events",
    ],
    [
      "a history that can't be replayed",
      facts([settled], ["a"], { notReplayed: ["agent/host-1: Nondeterminism"] }),
      "Nondeterminism",
    ],
    [
      "what does not work after",
      facts([settled], ["a"], { notWell: ["worker ended with SIGSEGV"] }),
      "SIGSEGV",
    ],
  ])("checker - finds %s", (_what, cell, expected) => {
    const { violations } = judge(cell);
    expect(violations.join("\n")).toContain(expected);
  });

  it("checker - excuses an unknown of a Command that a killed agent had begun", () => {
    const cell = facts([request(1, one, [ended("a", "unknown")])], ["a"], { brokenAgentPids: [1] });
    expect(judge(cell)).toMatchObject({ unknown: 1, violations: [] });
  });
});
