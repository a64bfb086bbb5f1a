import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { payloadLimits, type Answer } from "../../../src/api/index.ts";
import {
  admit,
  cancel,
  dueForDelivery,
  emptyMailbox,
  firstBatch,
  join,
  mailboxLimits,
  markHanded,
  markUndelivered,
  nextExpiryMs,
  noteProgress,
  refusalOf,
  settleByAnswer,
  settleExpired,
  settleRemoved,
  settleReturned,
  sizeOf,
  toDeliver,
} from "../../../src/lifecycle/index.ts";
import type { MailboxState, Settled } from "../../../src/lifecycle/index.ts";
import { admitted, answersTo, command, large, request } from "./some-requests.ts";

function refused(mailbox: MailboxState, one = request()): string | undefined {
  return refusalOf(mailbox, one, 0)?.code;
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
    expect(refused(mailbox, request({ commands: [one, one] }))).toBe("DUPLICATE_COMMAND_ID");
    admit(mailbox, request({ commands: [one] }), 0);
    expect(refused(mailbox, request({ commands: [one] }))).toBe("DUPLICATE_COMMAND_ID");
    settleByAnswer(mailbox, 1, answersTo([one]), 0);
    expect(refused(mailbox, request({ commands: [one] }))).toBe("DUPLICATE_COMMAND_ID");
    expect(refused(mailbox)).toBeUndefined();
  });

  test("bounds - one Command, one Request, all that wait", () => {
    const { commandBytes, requestBytes } = payloadLimits;
    const mailbox = emptyMailbox();
    const most = () => [large(commandBytes), large(requestBytes - commandBytes)];
    expect(refused(mailbox, request({ commands: most() }))).toBeUndefined();
    expect(refused(mailbox, request({ commands: [large(commandBytes + 100)] }))).toBe(
      "INVALID_REQUEST",
    );
    expect(refused(mailbox, request({ commands: [...most(), large(1_000)] }))).toBe(
      "INVALID_REQUEST",
    );
    admit(mailbox, request({ commands: most() }), 0);
    expect(refused(mailbox, request({ commands: most() }))).toBe("MAILBOX_FULL");
    const many = emptyMailbox();
    for (let i = 0; i < mailboxLimits.pending; i++) admit(many, request(), 0);
    expect(refused(many)).toBe("MAILBOX_FULL");
    settleByAnswer(many, 1, answersTo(many.pending[0]?.commands ?? []), 0);
    expect(refused(many)).toBeUndefined();
  });

  test("refusals - say what is too large, and how large it may be", () => {
    const big = { ...large(payloadLimits.commandBytes + 100), type: "WriteFile" };
    const refusal = refusalOf(emptyMailbox(), request({ commands: [big] }), 0);
    expect(refusal?.message).toMatch(/WriteFile has 393\d\d\d bytes; 393216 is the most/);
  });

  test("asking again - adds who waits, the newest five, and the wish for progress", () => {
    const mailbox = emptyMailbox();
    const one = admitted(mailbox, { waiters: [{ type: "gateway", gatewayId: "g0" }] });
    expect(toDeliver(mailbox, [one], 0)[0]).not.toHaveProperty("progress");
    for (const gatewayId of ["g1", "g1", "g2", "g3", "g4", "g5"]) {
      join(one, { waiters: [{ type: "gateway", gatewayId }], progress: gatewayId === "g2" });
    }
    expect(one.waiters).toEqual(
      ["g1", "g2", "g3", "g4", "g5"].map((gatewayId) => ({ type: "gateway", gatewayId })),
    );
    expect(toDeliver(mailbox, [one], 0)[0]).toMatchObject({ progress: true });
  });

  test("size - counts bytes, not characters", () => {
    expect(sizeOf("ü")).toBe(4);
    expect(sizeOf("界")).toBe(5);
  });
});

describe("delivery", () => {
  test("handing over - each session gets what it was not given, in order, and what it may not have", () => {
    const mailbox = emptyMailbox();
    const [first, second, third] = [admitted(mailbox), admitted(mailbox), admitted(mailbox)];
    for (const one of [first, third]) markHanded(one, 1);
    expect(dueForDelivery(mailbox, 1)).toEqual([second]);
    expect(dueForDelivery(mailbox, 1, [third.seq])).toEqual([second, third]);
    expect(dueForDelivery(mailbox, 2)).toEqual([first, second, third]);
  });

  test("order - an in-sequence Request names the newest one before it that waits, with its remaining time", () => {
    const mailbox = emptyMailbox();
    const first = admitted(mailbox, { inSequence: true, waitMs: 5_000 });
    const free = admitted(mailbox);
    const third = admitted(mailbox, { inSequence: true });
    const fourth = admitted(mailbox, { inSequence: true });
    const after = (request: typeof first) => toDeliver(mailbox, [request], 100)[0]?.after;
    expect([first, free, third, fourth].map(after)).toEqual([
      undefined,
      undefined,
      { seq: 1, withinMs: 4_900 },
      { seq: 3, withinMs: 900 },
    ]);
    expect(toDeliver(mailbox, [fourth, first], 100).map(({ seq }) => seq)).toEqual([1, 4]);
    settleByAnswer(mailbox, 1, answersTo(first.commands), 0);
    expect(after(third)).toBeUndefined();
  });

  test("batches - bounded in number and bytes, one Request at least", () => {
    const { batch, batchBytes } = mailboxLimits;
    const mailbox = emptyMailbox();
    for (let i = 0; i < batch + 20; i++) admitted(mailbox);
    expect(firstBatch(mailbox.pending)).toHaveLength(batch);
    expect(firstBatch(mailbox.pending.slice(-20))).toHaveLength(20);
    expect(firstBatch([])).toEqual([]);
    const heavy = emptyMailbox();
    admitted(heavy, { commands: [large(batchBytes + 1_000)] });
    for (let i = 0; i < 4; i++) admitted(heavy, { commands: [large(batchBytes / 3)] });
    expect(firstBatch(heavy.pending).map(({ seq }) => seq)).toEqual([1]);
    expect(firstBatch(heavy.pending.slice(1)).map(({ seq }) => seq)).toEqual([2, 3]);
  });

  test("sessions - one that is given to the same session again may have been written the first time", () => {
    const mailbox = emptyMailbox();
    const [once, twice] = [
      admitted(mailbox, { handed: true }),
      admitted(mailbox, { handed: true }),
    ];
    markHanded(twice, 1);
    markUndelivered(mailbox, 1, [once.seq, twice.seq]);
    expect(settleExpired(mailbox, 1_000).map(({ answers }) => answers[0]?.outcome)).toEqual([
      "notSent",
      "unknown",
    ]);
  });

  test("sessions - a Request given to many stays certainly sent, whoever gives it back, and small", () => {
    const mailbox = emptyMailbox();
    const one = admitted(mailbox);
    for (let epoch = 1; epoch <= 1_000; epoch++) markHanded(one, epoch);
    expect(sizeOf(one)).toBeLessThan(400);
    expect(dueForDelivery(mailbox, 1_000)).toEqual([]);
    for (let epoch = 0; epoch <= 1_000; epoch++) markUndelivered(mailbox, epoch, [one.seq]);
    expect(settleExpired(mailbox, 1_000)[0]?.answers).toMatchObject([{ outcome: "unknown" }]);
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
      0,
    );
    expect(outcome).toMatchObject({
      type: "settled",
      request: { answers: [a, { outcome: "unknown", errorCode: "ANSWER_MISSING" }, c] },
    });
  });

  test("answers - to another Request's Commands, or late, change nothing", () => {
    const mailbox = emptyMailbox();
    const one = admit(mailbox, request(), 0);
    expect(settleByAnswer(mailbox, 1, answersTo([command()]), 0).type).toBe("foreign");
    expect(mailbox.pending).toEqual([one]);
    settleExpired(mailbox, 5_000);
    const before = structuredClone(mailbox);
    expect(settleByAnswer(mailbox, 1, answersTo(one.commands), 0).type).toBe("late");
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
    expect(cancel(mailbox, unsent.requestId, "why", 0)).toMatchObject({
      type: "cancelled",
      request: { answers: [{ outcome: "notSent", errorCode: "CANCELLED" }] },
    });
    expect(cancel(mailbox, sent.requestId, "why", 0)).toEqual({ type: "ask", request: sent });
    expect(cancel(mailbox, unsent.requestId, "why", 0).type).toBe("settled");
    expect(cancel(mailbox, "nobody's", "why", 0).type).toBe("unknown");
  });

  test("cancel - one that may have been sent is remembered for the sessions to come, and over once it comes back", () => {
    const mailbox = emptyMailbox();
    const one = admitted(mailbox, { handed: true });
    one.cancelled = "not needed";
    expect(toDeliver(mailbox, [one], 0)[0]).toMatchObject({ cancelled: "not needed" });
    expect(settleReturned(mailbox, 0)).toEqual([]);
    markUndelivered(mailbox, 1, [one.seq]);
    const [settled, ...more] = settleReturned(mailbox, 0);
    expect(settled?.answers).toMatchObject([{ outcome: "notSent", errorCode: "CANCELLED" }]);
    expect([more, mailbox.pending]).toEqual([[], []]);
  });
});

describe("progress", () => {
  test("the end - Answers that are there stand, only the other Commands get error Answers", () => {
    const mailbox = emptyMailbox();
    const commands = [command(), command(), command()];
    const one = admitted(mailbox, { commands, handed: true });
    const [a, b] = answersTo(commands);
    expect(
      noteProgress(
        mailbox,
        one.seq,
        [b, a].flatMap((answer) => answer ?? []),
      ),
    ).toBe(true);
    expect(one.soFar).toEqual([a, b]);
    const [settled] = settleExpired(mailbox, 1_000);
    expect(settled?.answers).toMatchObject([a, b, { outcome: "unknown" }]);
    expect(noteProgress(mailbox, one.seq, answersTo(commands))).toBe(false);
  });

  test("the Response - is the agent's last word, and what it leaves out was said before", () => {
    const mailbox = emptyMailbox();
    const commands = [command(), command()];
    const one = admitted(mailbox, { commands, handed: true });
    const [a, b] = answersTo(commands);
    noteProgress(mailbox, one.seq, [{ ...a, details: "first" } as Answer, b as Answer]);
    const last = { ...a, details: "last" } as Answer;
    expect(settleByAnswer(mailbox, one.seq, [last], 0)).toMatchObject({ answers: [last, b] });
  });

  test("bounds - the first Answer of a Command stands; strangers' and what finds no room are left out", () => {
    const mailbox = emptyMailbox();
    const one = admitted(mailbox);
    const other = admitted(mailbox);
    const [answer] = answersTo(one.commands);
    const again = { ...answer, details: "again" } as Answer;
    noteProgress(mailbox, one.seq, [answer as Answer, again, ...answersTo([command()])]);
    expect(one.soFar).toEqual([answer]);
    const [much] = answersTo(other.commands);
    const bytes = mailboxLimits.soFarBytes - 100;
    noteProgress(mailbox, other.seq, [{ ...much, details: "x".repeat(bytes) } as Answer]);
    expect(other.soFar).toEqual([]);
    noteProgress(mailbox, other.seq, [{ ...much, details: "x".repeat(bytes - 100) } as Answer]);
    expect(other.soFar).toHaveLength(1);
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
          else if (one.do === "remove") settleRemoved(mailbox, nowMs).forEach(note);
          else if (target !== undefined && one.do === "hand") {
            markHanded(target, 1);
            everHanded.add(target.seq);
          } else if (target !== undefined && one.do === "return") {
            markUndelivered(mailbox, 1, [target.seq]);
            everHanded.delete(target.seq);
          } else if (target !== undefined && one.do === "answer") {
            const outcome = settleByAnswer(mailbox, target.seq, answersTo(target.commands), 0);
            if (outcome.type === "settled") note(outcome);
          } else if (target !== undefined && one.do === "cancel") {
            const outcome = cancel(mailbox, target.requestId, "model", nowMs);
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
