import { expect, it } from "vitest";
import { AgentTurns } from "../../../src/gateway/agent-turns.ts";

/** A call that goes on until it is ended. */
function openCall() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    ended,
    end: () => {
      end();
    },
  };
}
const settled = () => new Promise(setImmediate);

it("turns - so many calls for one agent are under way at once; the others begin in their order", async () => {
  const turns = new AgentTurns(2);
  const begun: string[] = [];
  const calls = ["a", "b", "c", "d"].map((name) => {
    const { ended, end } = openCall();
    const done = turns.run("host-1", 60_000, async () => {
      begun.push(name);
      await ended;
    });
    return { done, end };
  });
  const other = turns.run("host-2", 60_000, () => Promise.resolve(begun.push("other")));
  await other;
  expect(begun).toEqual(["a", "b", "other"]);
  calls[1]?.end();
  await settled();
  expect(begun).toEqual(["a", "b", "other", "c"]);
  for (const { end } of calls) end();
  await Promise.all(calls.map(({ done }) => done));
  expect(begun).toEqual(["a", "b", "other", "c", "d"]);
});

it("turns - a call that fails gives its place on", async () => {
  const turns = new AgentTurns(1);
  const failing = turns.run("host-1", 60_000, () => Promise.reject(new Error("away")));
  const next = turns.run("host-1", 60_000, () => Promise.resolve("here"));
  await expect(failing).rejects.toThrow("away");
  expect(await next).toBe("here");
});

it("turns - a call whose turn does not come in time is not run", async () => {
  const turns = new AgentTurns(1);
  const { ended, end } = openCall();
  const first = turns.run("host-1", 60_000, () => ended);
  let ran = false;
  const late = turns.run("host-1", 1, () => {
    ran = true;
    return Promise.resolve();
  });
  await expect(late).rejects.toThrow("Its turn did not come");
  end();
  await first;
  expect(await turns.run("host-1", 1, () => Promise.resolve("free again"))).toBe("free again");
  expect(ran).toBe(false);
});
