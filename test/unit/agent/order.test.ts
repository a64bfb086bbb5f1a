/**
 * In-sequence Requests take effect in the order of their numbers, one at a time, however they arrive: out of order, lost
 * and given again, with cancels and waits that end in between. A manager that follows docs/PROTOCOL.md gives them to the
 * desk at random, on virtual time.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import { startDesk } from "./desk-under-test.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What the world does next. */
type Step =
  | { readonly type: "give"; readonly pick: number }
  | { readonly type: "giveAll"; readonly order: readonly number[] }
  | { readonly type: "cancel"; readonly pick: number }
  | { readonly type: "pass"; readonly ms: number }
  | { readonly type: "end" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("give" as const), pick: fc.nat(99) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("giveAll" as const),
      order: fc.array(fc.nat(99), { minLength: 12, maxLength: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("cancel" as const), pick: fc.nat(99) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("pass" as const),
      ms: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("end" as const) }) },
);

/** Requests of the manager: in sequence or free, with waits of their own. */
const requests = fc.array(
  fc.record({ inSequence: fc.boolean(), waitMs: fc.constantFrom(30, 100, 1_000) }),
  { minLength: 1, maxLength: 12 },
);

interface Pending {
  readonly seq: number;
  readonly inSequence: boolean;
  readonly deadlineMs: number;
  /** The agent may have it. */
  given: boolean;
}

/** The manager's side: what it has admitted and not settled, in the order of numbers. */
class Manager {
  readonly #desk: Awaited<ReturnType<typeof startDesk>>;
  readonly answers = new Map<number, Answer>();
  #pending: Pending[];

  constructor(
    desk: Awaited<ReturnType<typeof startDesk>>,
    admitted: readonly { readonly inSequence: boolean; readonly waitMs: number }[],
  ) {
    this.#desk = desk;
    this.#pending = admitted.map(({ inSequence, waitMs }, i) => ({
      seq: i + 1,
      inSequence,
      deadlineMs: performance.now() + waitMs,
      given: false,
    }));
    desk.session.onResponse = ({ seq, answers }) => {
      const [answer] = answers;
      if (answer === undefined) throw new Error("An empty Response.");
      // The same Answer as often as it likes, and never another.
      expect(this.answers.get(seq) ?? answer).toEqual(answer);
      this.answers.set(seq, answer);
      this.#pending = this.#pending.filter((one) => one.seq !== seq);
    };
  }

  get pending(): readonly Pending[] {
    return this.#pending;
  }

  give(pick: number): void {
    const request = this.#pending[pick % this.#pending.length];
    if (request === undefined) return;
    const { seq, inSequence, deadlineMs } = request;
    const before = inSequence
      ? this.#pending.findLast((one) => one.inSequence && one.seq < seq)
      : undefined;
    const leftMs = (until: number) => Math.max(0, until - performance.now());
    this.#desk.give("durable", seq, [{ type: "Read", id: `c${seq}` }], {
      inSequence,
      waitMs: leftMs(deadlineMs),
      ...(before && { after: { seq: before.seq, withinMs: leftMs(before.deadlineMs) } }),
    });
    request.given = true;
  }

  /** A new session: everything that is pending, in an order that the world chose. */
  giveAll(order: readonly number[]): void {
    const all = [...this.#pending];
    all.sort((a, b) => (order[a.seq % 12] ?? 0) - (order[b.seq % 12] ?? 0));
    for (const request of all) {
      const at = this.#pending.indexOf(request);
      if (at >= 0) this.give(at);
    }
  }

  cancel(pick: number): void {
    const request = this.#pending[pick % this.#pending.length];
    if (request === undefined) return;
    const { desk, session } = this.#desk;
    if (request.given) desk.cancel("durable", request.seq, "no longer wanted", session);
    else this.#pending = this.#pending.filter((one) => one !== request);
  }

  /** Settles what has run out of time. */
  expire(): void {
    this.#pending = this.#pending.filter(({ deadlineMs }) => deadlineMs > performance.now());
  }
}

const seqOf = (id: string) => Number(id.slice(1));

async function live(
  admitted: readonly { readonly inSequence: boolean; readonly waitMs: number }[],
  steps: readonly Step[],
) {
  const desk = await startDesk();
  const { host } = desk;
  const running = new Map<string, () => void>();
  let mostAtOnce = 0;
  const inSequence = (id: string) => admitted[seqOf(id) - 1]?.inSequence === true;
  host.execute = ({ id, type }, { signal }) =>
    new Promise((resolve) => {
      const end = () => {
        running.delete(id);
        resolve({ type: `${type}Answer`, result: !signal.aborted });
      };
      signal.addEventListener("abort", end, { once: true });
      running.set(id, end);
      mostAtOnce = Math.max(mostAtOnce, [...running.keys()].filter(inSequence).length);
    });
  const manager = new Manager(desk, admitted);
  const settle = async (ms = 0) => {
    await vi.advanceTimersByTimeAsync(ms);
    manager.expire();
  };
  const endAll = () => {
    for (const end of running.values()) end();
  };
  for (const next of steps) {
    if (next.type === "give") manager.give(next.pick);
    else if (next.type === "giveAll") manager.giveAll(next.order);
    else if (next.type === "cancel") manager.cancel(next.pick);
    else if (next.type === "end") endAll();
    await settle(next.type === "pass" ? next.ms : 0);
    // A free one is never held by one in sequence.
    for (const { seq, given, inSequence: held } of manager.pending) {
      if (given && !held) expect(running.has(`c${seq}`)).toBe(true);
    }
  }
  // The end of it: everything is given, everything ends.
  manager.giveAll([]);
  for (let i = 0; i < 2 * admitted.length + 2; i++) {
    endAll();
    await settle();
  }
  await settle(2_000);
  return { desk, manager, mostAtOnce, ran: host.ran };
}

describe("order", () => {
  test("any arrival, loss, repetition, cancel and expiry - one at a time by number, nothing left behind", async () => {
    await fc.assert(
      fc.asyncProperty(requests, fc.array(step, { maxLength: 40 }), async (admitted, steps) => {
        const { desk, manager, mostAtOnce, ran } = await live(admitted, steps);
        const sequenced = ran.map(seqOf).filter((seq) => admitted[seq - 1]?.inSequence);
        expect(sequenced).toEqual([...new Set(sequenced)].sort((a, b) => a - b));
        expect(new Set(ran).size).toBe(ran.length);
        expect(mostAtOnce).toBeLessThanOrEqual(1);
        for (const [seq, answer] of manager.answers) {
          if (answer.outcome === "notSent") expect(ran).not.toContain(`c${seq}`);
          else expect(ran).toContain(`c${seq}`);
        }
        expect(manager.pending).toEqual([]);
        expect(desk.desk.sizes).toMatchObject({ open: 0, waitingInSequence: 0 });
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
