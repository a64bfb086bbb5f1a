import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer, WireCommand } from "../../../src/api/index.ts";
import {
  admit,
  cancel,
  emptyMailbox,
  findRequest,
  isFinished,
  mailboxLimits,
  markHanded,
  markUndelivered,
  nextExpiryMs,
  notHandedTo,
  refusalOf,
  settleByAnswer,
  settleExpired,
  settleRemoved,
  sizeOf,
  toDeliver,
} from "../../../src/lifecycle/index.ts";
import type { MailboxState, RequestToAdmit, Settled } from "../../../src/lifecycle/index.ts";

let ids = 0;
function command(type = "ListVms"): WireCommand {
  return { type, id: `c${++ids}` };
}
function request(fields: Partial<RequestToAdmit> = {}): RequestToAdmit {
  return {
    requestId: `r${++ids}`,
    commands: [command()],
    onError: "stop",
    inSequence: false,
    waitMs: 1_000,
    waiters: [],
    ...fields,
  };
}
function answersTo(commands: readonly WireCommand[]): Answer[] {
  return commands.map(({ id }) => ({ type: "A", commandId: id, result: true }));
}

describe("admission", () => {
  test("seq - rises by one, across what is settled", () => {
    const mailbox = emptyMailbox();
    expect(admit(mailbox, request(), 0).seq).toBe(1);
    settleExpired(mailbox, 10_000);
    expect(admit(mailbox, request(), 0).seq).toBe(2);
  });

  test("command ids - the same one twice is refused, in a batch, pending, or finished", () => {
    const mailbox = emptyMailbox();
    const one = command();
    expect(refusalOf(mailbox, request({ commands: [one, one] }))?.code).toBe(
      "DUPLICATE_COMMAND_ID",
    );
    admit(mailbox, request({ commands: [one] }), 0);
    expect(refusalOf(mailbox, request({ commands: [one] }))?.code).toBe("DUPLICATE_COMMAND_ID");
    settleByAnswer(mailbox, 1, answersTo([one]));
    expect(refusalOf(mailbox, request({ commands: [one] }))?.code).toBe("DUPLICATE_COMMAND_ID");
    expect(refusalOf(mailbox, request())).toBeUndefined();
  });

  test("bounds - too many, too large, too much together", () => {
    const mailbox = emptyMailbox();
    const large = (bytes: number) =>
      request({ commands: [{ ...command(), data: "x".repeat(bytes) }] });
    expect(refusalOf(mailbox, large(mailboxLimits.requestBytes))?.code).toBe("INVALID_REQUEST");
    admit(mailbox, large(mailboxLimits.requestBytes - 1_000), 0);
    expect(refusalOf(mailbox, large(mailboxLimits.requestBytes - 1_000))?.code).toBe(
      "MAILBOX_FULL",
    );
    const many = emptyMailbox();
    for (let i = 0; i < mailboxLimits.pending; i++) admit(many, request(), 0);
    expect(refusalOf(many, request())?.code).toBe("MAILBOX_FULL");
    settleByAnswer(many, 1, answersTo(many.pending[0]?.commands ?? []));
    expect(refusalOf(many, request())).toBeUndefined();
  });

  test("size - counts bytes, not characters", () => {
    expect(sizeOf("ü")).toBe(4);
    expect(sizeOf("界")).toBe(5);
  });
});

describe("delivery", () => {
  test("handing over - each session gets what it was not given, in order", () => {
    const mailbox = emptyMailbox();
    const first = admit(mailbox, request(), 0);
    const second = admit(mailbox, request(), 0);
    markHanded(first, 1);
    expect(notHandedTo(mailbox, 1)).toEqual([second]);
    expect(notHandedTo(mailbox, 2)).toEqual([first, second]);
  });

  test("order - an in-sequence Request names the newest one before it that waits, with its remaining time", () => {
    const mailbox = emptyMailbox();
    const first = admit(mailbox, request({ inSequence: true, waitMs: 5_000 }), 0);
    admit(mailbox, request(), 0);
    const third = admit(mailbox, request({ inSequence: true }), 0);
    expect(toDeliver(mailbox, first, 100)).not.toHaveProperty("after");
    expect(toDeliver(mailbox, third, 100)).toMatchObject({
      after: { seq: 1, withinMs: 4_900 },
      waitMs: 900,
    });
    settleByAnswer(mailbox, 1, answersTo(first.commands));
    expect(toDeliver(mailbox, third, 100)).not.toHaveProperty("after");
  });

  test("next expiry - the earliest deadline", () => {
    const mailbox = emptyMailbox();
    expect(nextExpiryMs(mailbox)).toBeUndefined();
    admit(mailbox, request({ waitMs: 900 }), 0);
    admit(mailbox, request({ waitMs: 300 }), 100);
    expect(nextExpiryMs(mailbox)).toBe(400);
  });
});

describe("settling", () => {
  test("answers - by Command id, in the Request's order; missing ones are said to be missing", () => {
    const mailbox = emptyMailbox();
    const commands = [command(), command(), command()];
    admit(mailbox, request({ commands }), 0);
    const [a, , c] = answersTo(commands);
    const outcome = settleByAnswer(
      mailbox,
      1,
      [c, a].filter((answer) => answer !== undefined),
    );
    expect(outcome).toMatchObject({
      type: "settled",
      request: { answers: [a, { outcome: "unknown", errorCode: "ANSWER_MISSING" }, c] },
    });
  });

  test("answers - to another Request's Commands, or late, change nothing", () => {
    const mailbox = emptyMailbox();
    const one = admit(mailbox, request(), 0);
    expect(settleByAnswer(mailbox, 1, answersTo([command()])).type).toBe("foreign");
    expect(mailbox.pending).toEqual([one]);
    settleExpired(mailbox, 5_000);
    const before = structuredClone(mailbox);
    expect(settleByAnswer(mailbox, 1, answersTo(one.commands)).type).toBe("late");
    expect(mailbox).toEqual(before);
  });

  test("expiry - notSent and unknown are never mixed up", () => {
    const mailbox = emptyMailbox();
    const never = admit(mailbox, request(), 0);
    const handed = admit(mailbox, request(), 0);
    const back = admit(mailbox, request(), 0);
    const half = admit(mailbox, request(), 0);
    markHanded(handed, 1);
    for (const epoch of [1, 2]) markHanded(half, epoch);
    markHanded(back, 1);
    markUndelivered(mailbox, 1, [back.seq, half.seq]);
    expect(settleExpired(mailbox, 999)).toEqual([]);
    const outcomes = settleExpired(mailbox, 1_000).map(({ request: { seq, answers } }) => [
      seq,
      answers[0]?.outcome,
    ]);
    expect(outcomes).toEqual([
      [never.seq, "notSent"],
      [handed.seq, "unknown"],
      [back.seq, "notSent"],
      [half.seq, "unknown"],
    ]);
  });

  test("cancel - unsent is settled, sent must be asked for, the rest is named", () => {
    const mailbox = emptyMailbox();
    const unsent = admit(mailbox, request(), 0);
    const sent = admit(mailbox, request(), 0);
    markHanded(sent, 1);
    expect(cancel(mailbox, unsent.requestId, "why")).toMatchObject({
      type: "cancelled",
      request: { answers: [{ outcome: "notSent", errorCode: "CANCELLED" }] },
    });
    expect(cancel(mailbox, sent.requestId, "why")).toEqual({ type: "ask", request: sent });
    expect(cancel(mailbox, unsent.requestId, "why").type).toBe("settled");
    expect(cancel(mailbox, "nobody's", "why").type).toBe("unknown");
  });

  test("memory - the oldest are forgotten, the newest is always known, large Answers are trimmed", () => {
    const mailbox = emptyMailbox();
    for (let i = 0; i < mailboxLimits.finished + 5; i++) {
      const one = admit(mailbox, request({ requestId: `n${i}` }), 0);
      settleByAnswer(mailbox, one.seq, answersTo(one.commands));
    }
    expect(mailbox.finished.length).toBeLessThanOrEqual(mailboxLimits.finished);
    expect(findRequest(mailbox, "n0")).toBeUndefined();
    const large = admit(mailbox, request({ requestId: "large" }), 0);
    const [answer] = answersTo(large.commands);
    settleByAnswer(mailbox, large.seq, [{ ...answer, details: "x".repeat(900_000) } as Answer]);
    const known = findRequest(mailbox, "large");
    expect(known && isFinished(known) && known.answers[0]).toMatchObject({
      commandId: large.commands[0]?.id,
      result: true,
    });
    expect(sizeOf(mailbox.finished)).toBeLessThan(2 * mailboxLimits.finishedBytes);
  });
});

describe("model", () => {
  type Step =
    | { readonly do: "admit"; readonly waitMs: number; readonly commands: number }
    | { readonly do: "hand" | "return" | "answer" | "cancel"; readonly which: number }
    | { readonly do: "pass"; readonly ms: number }
    | { readonly do: "renew" }
    | { readonly do: "remove" };
  const which = fc.nat(20);
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      do: fc.constant("admit" as const),
      waitMs: fc.nat(50),
      commands: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      do: fc.constantFrom("hand" as const, "return" as const, "answer" as const, "cancel" as const),
      which,
    }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.nat(30) }),
    fc.record({ do: fc.constant("renew" as const) }),
    fc.record({ do: fc.constant("remove" as const) }),
  );

  test("mailbox - every admitted Command gets exactly one Answer, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let mailbox: MailboxState = emptyMailbox();
        let nowMs = 0;
        const admitted = new Map<string, boolean>();
        const answered = new Map<string, Answer>();
        const note = (settled: Settled) => {
          for (const answer of settled.request.answers) {
            expect(answered.has(answer.commandId)).toBe(false);
            answered.set(answer.commandId, answer);
          }
        };
        const everHanded = new Set<number>();
        for (const one of steps) {
          const target =
            "which" in one
              ? mailbox.pending[one.which % Math.max(1, mailbox.pending.length)]
              : undefined;
          if (one.do === "admit") {
            const commands = Array.from({ length: one.commands }, () => command());
            admit(mailbox, request({ commands, waitMs: one.waitMs }), nowMs);
            for (const { id } of commands) admitted.set(id, true);
          } else if (one.do === "pass") {
            nowMs += one.ms;
            settleExpired(mailbox, nowMs).forEach(note);
          } else if (one.do === "renew")
            mailbox = JSON.parse(JSON.stringify(mailbox)) as MailboxState;
          else if (one.do === "remove") settleRemoved(mailbox).forEach(note);
          else if (target !== undefined && one.do === "hand") {
            markHanded(target, 1);
            everHanded.add(target.seq);
          } else if (target !== undefined && one.do === "return") {
            markUndelivered(mailbox, 1, [target.seq]);
            everHanded.delete(target.seq);
          } else if (target !== undefined && one.do === "answer") {
            const outcome = settleByAnswer(mailbox, target.seq, answersTo(target.commands));
            if (outcome.type === "settled") note(outcome);
          } else if (target !== undefined && one.do === "cancel") {
            const outcome = cancel(mailbox, target.requestId, "model");
            if (outcome.type === "cancelled") note(outcome);
          }
          for (const finished of mailbox.finished) {
            for (const answer of finished.answers) {
              if (answer.outcome === "notSent") expect(everHanded.has(finished.seq)).toBe(false);
            }
          }
        }
        settleExpired(mailbox, nowMs + 1_000).forEach(note);
        expect(mailbox.pending).toEqual([]);
        expect([...answered.keys()].sort()).toEqual([...admitted.keys()].sort());
      }),
    );
  });
});
