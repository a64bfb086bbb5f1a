/**
 * In-sequence Requests take effect in the order of their numbers, one at a time, however they arrive: out of order, lost
 * and given again, with cancels and waits that end in between. The manager's own mailbox and the agent's own desk, on
 * virtual time, with a network of chance between them.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import {
  admit,
  cancel,
  dueForDelivery,
  emptyMailbox,
  markHanded,
  settleByAnswer,
  settleExpired,
  toDeliver,
  type PendingRequest,
  type Settled,
} from "../../../src/lifecycle/index.ts";
import { startDesk } from "./desk-under-test.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What the world does next. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("admit" as const),
      inSequence: fc.boolean(),
      waitMs: fc.constantFrom(30, 1_000),
      /** It never reaches the agent by this session. */
      lost: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("reconnect" as const),
      /** In what order the Requests arrive, and how many of them before the session is lost again. */
      order: fc.array(fc.nat(99), { minLength: 10, maxLength: 10 }),
      arriving: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancel" as const), pick: fc.nat(99) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.constantFrom(1, 10, 20) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("end" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Desk = Awaited<ReturnType<typeof startDesk>>;

/** The manager's side. */
class Manager {
  readonly #desk: Desk;
  readonly #mailbox = emptyMailbox();
  readonly #given = new Set<number>();
  readonly #sequenced = new Set<number>();
  readonly answers = new Map<number, Answer>();
  #epoch = 1;

  constructor(desk: Desk) {
    this.#desk = desk;
    desk.session.onResponse = ({ seq, answers }) => {
      const outcome = settleByAnswer(this.#mailbox, seq, answers, performance.now());
      if (outcome.type === "settled") this.#note(outcome);
      else expect(outcome.type).toBe("late");
    };
  }

  get pending(): readonly PendingRequest[] {
    return this.#mailbox.pending;
  }

  /** Free Requests that the agent has and has not answered. */
  freeAtAgent(): readonly number[] {
    return this.pending
      .filter(({ seq, inSequence }) => !inSequence && this.#given.has(seq))
      .map(({ seq }) => seq);
  }

  isSequenced(seq: number): boolean {
    return this.#sequenced.has(seq);
  }

  admit({ inSequence, waitMs, lost }: Step & { type: "admit" }): void {
    const id = `c${this.#mailbox.nextSeq}`;
    const pending = admit(
      this.#mailbox,
      {
        requestId: id,
        commands: [{ type: "Read", id }],
        onError: "stop",
        inSequence,
        waitMs,
        waiters: [],
      },
      performance.now(),
    );
    if (inSequence) this.#sequenced.add(pending.seq);
    const frames = toDeliver(this.#mailbox, [pending], performance.now());
    markHanded(pending, this.#epoch);
    for (const frame of frames) if (!lost) this.#give(frame);
  }

  /** A new session: it is given all that is pending. */
  reconnect(order: readonly number[], arriving: number): void {
    this.#epoch++;
    const due = dueForDelivery(this.#mailbox, this.#epoch);
    const frames = [...toDeliver(this.#mailbox, due, performance.now())];
    for (const request of due) markHanded(request, this.#epoch);
    frames.sort((a, b) => (order[a.seq % 10] ?? 0) - (order[b.seq % 10] ?? 0));
    for (const frame of frames.slice(0, arriving)) this.#give(frame);
  }

  cancel(pick: number): void {
    const request = this.pending[pick % Math.max(1, this.pending.length)];
    if (request === undefined) return;
    const outcome = cancel(this.#mailbox, request.requestId, "not needed", performance.now());
    const { desk, session } = this.#desk;
    if (outcome.type === "ask") desk.cancel("durable", request.seq, "not needed", session);
    else if (outcome.type === "cancelled") this.#note(outcome);
  }

  /** Settles what has run out of time. */
  expire(): void {
    settleExpired(this.#mailbox, performance.now()).forEach((settled) => {
      this.#note(settled);
    });
  }

  #give(frame: ReturnType<typeof toDeliver>[number]): void {
    const { seq, commands, cancelled, inSequence, after, alsoAfter, waitMs } = frame;
    this.#given.add(seq);
    const { desk, session, give } = this.#desk;
    give("durable", seq, commands, {
      inSequence,
      waitMs,
      ...(after && { after }),
      ...(alsoAfter && { alsoAfter }),
    });
    if (cancelled !== undefined) desk.cancel("durable", seq, cancelled, session);
  }

  #note({ request: { seq }, answers }: Settled): void {
    const [answer] = answers;
    if (answer === undefined || this.answers.has(seq)) throw new Error("Not one Answer.");
    this.answers.set(seq, answer);
  }
}

const seqOf = (id: string) => Number(id.slice(1));

async function live(steps: readonly Step[]) {
  const desk = await startDesk();
  const manager = new Manager(desk);
  const running = new Map<number, () => void>();
  let mostAtOnce = 0;
  desk.host.execute = ({ id, type }, { signal }) =>
    new Promise((resolve) => {
      const seq = seqOf(id);
      const end = () => {
        running.delete(seq);
        resolve({ type: `${type}Answer`, result: !signal.aborted });
      };
      signal.addEventListener("abort", end, { once: true });
      running.set(seq, end);
      const sequenced = [...running.keys()].filter((one) => manager.isSequenced(one));
      mostAtOnce = Math.max(mostAtOnce, sequenced.length);
    });
  const settle = async (ms = 0) => {
    await vi.advanceTimersByTimeAsync(ms);
    manager.expire();
  };
  const endAll = () => {
    for (const end of running.values()) end();
  };
  for (const next of steps) {
    if (next.type === "admit") manager.admit(next);
    else if (next.type === "reconnect") manager.reconnect(next.order, next.arriving);
    else if (next.type === "cancel") manager.cancel(next.pick);
    else if (next.type === "end") endAll();
    await settle(next.type === "pass" ? next.ms : 0);
    // A free one is never held by one in sequence.
    for (const seq of manager.freeAtAgent()) expect(running.has(seq)).toBe(true);
  }
  // The end of it: everything is given, everything ends, all waits are over.
  manager.reconnect([], Infinity);
  for (let i = 0; i < steps.length + 2; i++) {
    endAll();
    await settle();
  }
  await settle(2_000);
  return { desk, manager, mostAtOnce, ran: desk.host.ran.map(seqOf) };
}

describe("order", () => {
  test("any arrival, loss, repetition, cancel and expiry - one at a time by number, nothing left behind", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
        const { desk, manager, mostAtOnce, ran } = await live(steps);
        const sequenced = ran.filter((seq) => manager.isSequenced(seq));
        expect(sequenced).toEqual([...sequenced].sort((a, b) => a - b));
        expect(new Set(ran).size).toBe(ran.length);
        expect(mostAtOnce).toBeLessThanOrEqual(1);
        expect(manager.answers.size).toBe(steps.filter(({ type }) => type === "admit").length);
        for (const [seq, { outcome = "done" }] of manager.answers) {
          if (outcome === "notSent") expect(ran).not.toContain(seq);
          if (outcome === "done") expect(ran).toContain(seq);
        }
        expect(manager.pending).toEqual([]);
        expect(desk.desk.sizes).toMatchObject({ open: 0, waitingInSequence: 0 });
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
