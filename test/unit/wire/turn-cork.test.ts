import { describe, expect, test } from "vitest";
import { TurnCork } from "../../../src/wire/turn-cork.ts";

/** A socket that notes which writes left together. */
function socket() {
  const left: number[] = [];
  let held = 0;
  return {
    left,
    write: () => held++,
    cork: () => undefined,
    uncork: () => {
      left.push(held);
      held = 0;
    },
  };
}

function writing(times: number) {
  const raw = socket();
  const cork = new TurnCork(raw);
  for (let i = 0; i < times; i++) {
    cork.untilNextTick();
    raw.write();
  }
  return raw;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("cork of one turn", () => {
  test("few writes of a turn - leave together when it ends", async () => {
    const raw = writing(3);
    expect(raw.left).toEqual([]);
    await turn();
    expect(raw.left).toEqual([3]);
  });

  test("many writes of a turn - the first leave while the others are made", async () => {
    const raw = writing(40);
    expect(raw.left).toEqual([16, 16]);
    await turn();
    expect(raw.left).toEqual([16, 16, 8]);
  });

  test("the next turn - begins anew", async () => {
    const raw = socket();
    const cork = new TurnCork(raw);
    for (const times of [2, 5]) {
      for (let i = 0; i < times; i++) {
        cork.untilNextTick();
        raw.write();
      }
      await turn();
    }
    expect(raw.left).toEqual([2, 5]);
  });
});
