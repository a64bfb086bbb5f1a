import { pino } from "pino";
import { expect, it, vi } from "vitest";
import { MovePacer } from "../../../src/gateway/move-pacer.ts";
import { Mover } from "../../../src/gateway/mover.ts";
import { RecordedSessions } from "../../../src/gateway/recorded-sessions.ts";
import type { Session } from "../../../src/gateway/session.ts";
import { closeCodes } from "../../../src/wire/limits.ts";
import { movesAtOnce } from "../../../src/lifecycle/move-pace.ts";

/** Sessions whose agents answer Move as the test says, one turn of the event loop later. */
function fleet(agents: number, answer: () => boolean) {
  const load = { now: 0, most: 0 };
  /** Agents that moved and whose lifecycles have not recorded it yet. */
  const unrecorded: (() => void)[] = [];
  const ended: unknown[] = [];
  const newest = { epoch: 1 };
  const sessions = Array.from({ length: agents }, (_, i) => {
    const agentId = `a${i}`;
    const asked = new Map<number, (answer: unknown) => void>();
    const session = {
      agentId,
      epoch: 1,
      host: { zone: "z", cluster: "c" },
      takesCommands: true,
      nextSessionSeq: 1,
      asked,
      farewell: undefined,
      socket: {
        end: (code: number) => ended.push([agentId, code]),
        send: ({ seq }: { readonly seq: number }) => {
          const result = answer();
          load.most = Math.max(load.most, ++load.now);
          setImmediate(() => {
            if (!result) load.now--;
            asked.get(seq)?.({ type: "MoveAnswer", result });
          });
          return true;
        },
      },
    };
    return session as unknown as Session;
  });
  let nowMs = 0;
  const mover = new Mover({
    sessions: {
      [Symbol.iterator]: () => sessions.values(),
      find: (agentId: string) => sessions.find((one) => one.agentId === agentId),
    } as never,
    directAgents: { owns: () => false, handOver: () => Promise.resolve(undefined) },
    newestEpoch: () => Promise.resolve(newest.epoch),
    recorded: {
      untilAfter: () =>
        new Promise((resolve) => {
          unrecorded.push(() => {
            load.now--;
            resolve();
          });
        }),
    },
    log: pino({ level: "silent" }),
    nowMs: () => nowMs,
  });
  const moves = [{ to: "g2", agentUrl: "ws://g2", cluster: "z/c", agents }];
  const move = () =>
    mover.move(
      { moves, agentsPerSecond: Infinity, forMs: 60_000 },
      new AbortController().signal,
      () => undefined,
    );
  const pass = (ms: number) => (nowMs += ms);
  /** The lifecycles record one move after the other, each `everyMs` after the one before. */
  const record = async (everyMs: number, isOver: () => boolean) => {
    while (!isOver()) {
      await new Promise(setImmediate);
      if (unrecorded.length === 0) continue;
      pass(everyMs);
      unrecorded.shift()?.();
    }
  };
  return { move, load, pass, record, ended, newest };
}

it("mover - what lifecycles have not taken up yet counts as under way, so that their queue stays short", async () => {
  const { move, load, record } = fleet(300, () => true);
  let over = false;
  const moved = move().finally(() => (over = true));
  await record(30, () => over);
  expect(await moved).toEqual({ moved: 300, failed: 0 });
  expect(load.most).toBeLessThanOrEqual(12);
});

it("mover - an agent that could not go is asked again after two seconds, then after twice as long", async () => {
  const { move, pass, ended } = fleet(1, () => false);
  expect(await move()).toEqual({ moved: 0, failed: 1 });
  expect(ended).toEqual([]);
  pass(1_999);
  expect(await move()).toEqual({ moved: 0, failed: 0 });
  pass(1);
  expect(await move()).toEqual({ moved: 0, failed: 1 });
  pass(3_999);
  expect(await move()).toEqual({ moved: 0, failed: 0 });
  pass(1);
  expect(await move()).toEqual({ moved: 0, failed: 1 });
});

it("mover - an agent whose new session failed after it had taken an epoch connects anew", async () => {
  const { move, ended, newest } = fleet(1, () => false);
  newest.epoch = 2;
  expect(await move()).toEqual({ moved: 0, failed: 1 });
  expect(ended).toEqual([["a0", closeCodes.reconnect]]);
});

it("mover - an agent that does not answer holds up the others for four seconds, not for as long as it is waited for", async () => {
  vi.useFakeTimers();
  try {
    const pacer = new MovePacer(() => performance.now());
    for (let i = 0; i < movesAtOnce.first; i++) pacer.begin();
    let free = false;
    const untilFree = pacer.untilFree().then(() => (free = true));
    await vi.advanceTimersByTimeAsync(3_999);
    expect(free).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await untilFree;
  } finally {
    vi.useRealTimers();
  }
});

it("mover - one look tells who is recorded; a look that fails holds up nobody", async () => {
  const looks: unknown[] = [];
  const answers = [[], ["a1"], new Error("away")];
  const recorded = new RecordedSessions(
    (sessions) => {
      looks.push(sessions.map(({ agentId }) => agentId));
      const answer = answers.shift();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? []);
    },
    () => 0,
  );
  const order: string[] = [];
  const until = async (agentId: string) => {
    await recorded.untilAfter(agentId, 1, 60_000);
    order.push(agentId);
  };
  await Promise.all([until("a0"), until("a1")]);
  expect(order).toEqual(["a1", "a0"]);
  expect(looks).toEqual([["a0"], ["a0", "a1"], ["a0"]]);
});
