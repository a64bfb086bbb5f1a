import { describe, expect, test } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import {
  emptyMailbox,
  findRequest,
  forgetOld,
  isFinished,
  mailboxLimits,
  noteEarlierForgetting,
  refusalOf,
  settleByAnswer,
  settleExpired,
  sizeOf,
} from "../../../src/lifecycle/index.ts";
import type { MailboxState } from "../../../src/lifecycle/index.ts";
import { admitted, answersTo, request } from "./some-requests.ts";

const nobody = () => new Set<number>();
const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Admits and settles one at that time. */
function done(mailbox: MailboxState, requestId: string, nowMs = 0): number {
  const one = admitted(mailbox, { requestId }, nowMs);
  settleByAnswer(mailbox, one.seq, answersTo(one.commands), nowMs);
  return one.seq;
}

describe("memory of finished Requests", () => {
  test("number - the oldest are forgotten, the newest is always known", () => {
    const mailbox = emptyMailbox();
    for (let i = 0; i < mailboxLimits.finished + 5; i++) done(mailbox, `n${i}`);
    forgetOld(mailbox, 0, nobody);
    expect(mailbox.finished.length).toBeLessThanOrEqual(mailboxLimits.finished);
    expect(findRequest(mailbox, "n0")).toBeUndefined();
    expect(findRequest(mailbox, `n${mailboxLimits.finished + 4}`)).toBeDefined();
  });

  test("bytes - many large Answers push older ones out", () => {
    const mailbox = emptyMailbox();
    for (let i = 0; i < 20; i++) {
      const one = admitted(mailbox, { requestId: `n${i}` });
      const [answer] = answersTo(one.commands);
      const big = { ...answer, details: "x".repeat(100_000) } as Answer;
      settleByAnswer(mailbox, one.seq, [big], 0);
      forgetOld(mailbox, 0, nobody);
    }
    expect(mailbox.finished.map(({ requestId }) => requestId)).toEqual(["n18", "n19"]);
    expect(sizeOf(mailbox.finished)).toBeLessThan(mailboxLimits.finishedBytes);
  });

  test("time - after a day a Request is not known any more", () => {
    const mailbox = emptyMailbox();
    done(mailbox, "old", 0);
    done(mailbox, "young", dayMs - 1);
    forgetOld(mailbox, dayMs - 1, nobody);
    expect(findRequest(mailbox, "old")).toBeDefined();
    forgetOld(mailbox, dayMs, nobody);
    expect(mailbox.finished.map(({ requestId }) => requestId)).toEqual(["young"]);
  });

  test("untold - Answers that somebody must still be told stay until he was", () => {
    const mailbox = emptyMailbox();
    const first = done(mailbox, "first");
    for (let i = 0; i < mailboxLimits.finished; i++) done(mailbox, `n${i}`);
    forgetOld(mailbox, dayMs, () => new Set([first]));
    expect(findRequest(mailbox, "first")).toBeDefined();
    forgetOld(mailbox, dayMs, nobody);
    expect(findRequest(mailbox, "first")).toBeUndefined();
  });

  test("large Answers - of a Request that has too much, the largest become errors that say so", () => {
    const mailbox = emptyMailbox();
    const commands = request().commands.concat(request().commands, request().commands);
    const one = admitted(mailbox, { requestId: "large", commands });
    const [small, big, unknown] = answersTo(commands);
    const answers = [
      small,
      { ...big, vms: "x".repeat(900_000) },
      { ...unknown, result: false, outcome: "unknown", details: "x".repeat(900_000) },
    ] as Answer[];
    const outcome = settleByAnswer(mailbox, one.seq, answers, 0);
    expect(outcome).toMatchObject({ type: "settled", answers });
    const known = findRequest(mailbox, "large");
    expect(known && isFinished(known) && known.answers).toMatchObject([
      small as Answer,
      { type: "ErrorAnswer", result: false, outcome: "done", errorCode: "ANSWER_TOO_LARGE" },
      { type: "ErrorAnswer", result: false, outcome: "unknown", errorCode: "ANSWER_TOO_LARGE" },
    ]);
    expect(known && sizeOf(known)).toBeLessThan(3_000);
  });
});

describe("repetitions of what was forgotten", () => {
  /** The first Request was admitted at `forgottenMs`, and is forgotten. */
  function forgetful(forgottenMs: number): MailboxState {
    const mailbox = emptyMailbox();
    done(mailbox, "first", forgottenMs);
    for (let i = 0; i < mailboxLimits.finished; i++) done(mailbox, `n${i}`, forgottenMs + 1);
    forgetOld(mailbox, forgottenMs + 1, nobody);
    expect(mailbox.forgottenUpToMs).toBe(forgottenMs);
    return mailbox;
  }
  const nowMs = 10 * dayMs;
  const cases: readonly [string, number | undefined, number | undefined, string | undefined][] = [
    ["nothing was ever forgotten", undefined, 5 * minuteMs, undefined],
    ["it is asked for the first time", nowMs - minuteMs, undefined, undefined],
    ["first asked before what was forgotten", nowMs - 60 * minuteMs, 90 * minuteMs, "forgotten"],
    ["first asked when that was admitted", nowMs - 60 * minuteMs, 60 * minuteMs, "forgotten"],
    ["first asked a minute after", nowMs - 60 * minuteMs, 59 * minuteMs, "forgotten"],
    ["first asked more than that after", nowMs - 60 * minuteMs, 59 * minuteMs - 1, undefined],
  ];
  test.each(cases)("admission - %s", (_, forgottenMs, repeatAgoMs, outcome) => {
    const mailbox = forgottenMs === undefined ? emptyMailbox() : forgetful(forgottenMs);
    const refusal = refusalOf(mailbox, request(), nowMs, repeatAgoMs);
    expect(refusal?.code).toBe(outcome && "REQUEST_FORGOTTEN");
    if (outcome !== undefined) expect(refusal?.message).toContain("may have run");
  });

  test("admission - the newest of the forgotten counts, by when it was admitted", () => {
    const mailbox = emptyMailbox();
    const patient = admitted(mailbox, { requestId: "patient", waitMs: 5_000 }, 1_000);
    done(mailbox, "quick", 2_000);
    settleExpired(mailbox, 6_000);
    expect(mailbox.finished.map(({ requestId }) => requestId)).toEqual(["quick", "patient"]);
    forgetOld(mailbox, 2_000 + dayMs, nobody);
    expect(mailbox.forgottenUpToMs).toBe(2_000);
    done(mailbox, "newest", 6_000 + dayMs);
    forgetOld(mailbox, 6_000 + dayMs, nobody);
    expect(findRequest(mailbox, patient.requestId)).toBeUndefined();
    expect(mailbox.forgottenUpToMs).toBe(2_000);
  });

  test("earlier releases - what they forgot was not noted: anything up to the upgrade may be", () => {
    const complete = emptyMailbox();
    done(complete, "one");
    noteEarlierForgetting(complete, 500);
    expect(complete.forgottenUpToMs).toBeUndefined();
    const gaps = { ...emptyMailbox(17), pending: complete.pending, finished: complete.finished };
    noteEarlierForgetting(gaps, 500);
    noteEarlierForgetting(gaps, 900);
    expect(gaps.forgottenUpToMs).toBe(500);
  });
});
