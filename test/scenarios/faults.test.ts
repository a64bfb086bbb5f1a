/** A few cells of the fault matrix (`npm run faults` has them all), on servers of their own: they are killed, too. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runChurn } from "../faults/churn-run.ts";
import { chosenCells } from "../faults/matrix.ts";
import { lineOf, replayOf } from "../faults/report.ts";
import { runCell } from "../faults/run-cell.ts";
import { FaultStack } from "../faults/stack.ts";

const seed = "ci";
const commands = 100;
const stack = new FaultStack();

beforeAll(() => stack.start());
afterAll(() => stack.close());

describe("fault matrix", () => {
  it.each([
    ["gateway/kill/executing", 1],
    ["agent/kill/unacked", 2],
    ["temporal/kill/unwritten", 3],
  ] as const)(
    "%s - each admitted Command gets one true Answer and takes effect once at most",
    async (name, no) => {
      const [cell] = chosenCells([name]);
      if (cell === undefined) throw new Error(`There is no cell ${name}.`);
      const result = await runCell(stack, cell, { seed, commands, no });
      const told = `${lineOf(result, name)}\n${replayOf(result)} --commands ${commands}`;
      expect(result.violations, told).toEqual([]);
      expect(result.done, told).toBeGreaterThan(commands / 2);
    },
  );
});

describe("churn", () => {
  it("a drain and a kill under traffic on both lanes - loses, doubles and reorders no Command, and no live agent is Down", async () => {
    const told: string[] = [];
    const result = await runChurn(stack, {
      agents: 40,
      minutes: 5,
      eventsMax: 2,
      durablePerSecond: 5,
      directPerSecond: 10,
      seed: "ci-18",
      say: (text) => told.push(text),
    });
    expect(result.violations, told.join("\n")).toEqual([]);
    expect(result.events.map(({ kind }) => kind)).toEqual(["drain", "kill"]);
    expect(result.durable).toBeGreaterThan(20);
  });
});
