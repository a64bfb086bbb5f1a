import { pino } from "pino";
import { expect, it } from "vitest";
import { Mover } from "../../../src/gateway/mover.ts";
import type { Session } from "../../../src/gateway/session.ts";

/** Sessions whose agents answer Move as the test says, one turn of the event loop later. */
function fleet(agents: number, answer: () => boolean) {
  const load = { now: 0, most: 0 };
  const sessions = Array.from({ length: agents }, (_, i) => {
    const asked = new Map<number, (answer: unknown) => void>();
    const session = {
      agentId: `a${i}`,
      epoch: 1,
      host: { zone: "z", cluster: "c" },
      takesCommands: true,
      nextSessionSeq: 1,
      asked,
      farewell: undefined,
      socket: {
        send: ({ seq }: { readonly seq: number }) => {
          load.most = Math.max(load.most, ++load.now);
          setImmediate(() => {
            load.now--;
            asked.get(seq)?.({ type: "MoveAnswer", result: answer() });
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
  return { move, load, pass: (ms: number) => (nowMs += ms) };
}

it("mover - has no more agents dial at once than a gateway takes handshakes", async () => {
  const { move, load } = fleet(300, () => true);
  expect(await move()).toEqual({ moved: 300, failed: 0 });
  expect(load.most).toBe(40);
});

it("mover - an agent that could not go is asked again after two seconds, then after twice as long", async () => {
  const { move, pass } = fleet(1, () => false);
  expect(await move()).toEqual({ moved: 0, failed: 1 });
  pass(1_999);
  expect(await move()).toEqual({ moved: 0, failed: 0 });
  pass(1);
  expect(await move()).toEqual({ moved: 0, failed: 1 });
  pass(3_999);
  expect(await move()).toEqual({ moved: 0, failed: 0 });
  pass(1);
  expect(await move()).toEqual({ moved: 0, failed: 1 });
});
