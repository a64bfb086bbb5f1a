import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  evenShares,
  planMoves,
  type GatewayLoad,
  type Move,
} from "../../../src/lifecycle/balance-plan.ts";

const none = { agents: 0, part: 0 };

function load(id: string, clusters: Record<string, number>, more: Partial<GatewayLoad> = {}) {
  return { id, weight: 1, draining: false, clusters, ...more };
}

/** What the gateways hold once the moves are made; throws when a move takes what is not there. */
function after(
  gateways: readonly GatewayLoad[],
  moves: readonly Move[],
): Map<string, Record<string, number>> {
  const held = new Map(gateways.map(({ id, clusters }) => [id, { ...clusters }]));
  for (const { from, to, cluster, agents } of moves) {
    const [giver, taker] = [held.get(from), held.get(to)];
    if (giver === undefined || taker === undefined)
      throw new Error("a move of a gateway that is not there");
    giver[cluster] = (giver[cluster] ?? 0) - agents;
    if (giver[cluster] < 0 || agents <= 0) throw new Error("a move of agents that are not there");
    taker[cluster] = (taker[cluster] ?? 0) + agents;
  }
  return held;
}

const sum = (clusters: Record<string, number>) =>
  Object.values(clusters).reduce((a, b) => a + b, 0);

const fleets = fc
  .array(
    fc.record({
      weight: fc.constantFrom(0, 1, 1, 1, 2, 3),
      draining: fc.boolean(),
      clusters: fc.dictionary(fc.constantFrom("z/a", "z/b", "z/c", "y/a"), fc.nat(60), {
        maxKeys: 4,
      }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((gateways) => gateways.map((gateway, i): GatewayLoad => ({ id: `g-${i}`, ...gateway })));

describe("plan of moves", () => {
  test("two gateways - the new one gets its half, in whole clusters", () => {
    const moves = planMoves([load("a", { x: 10, y: 10 }), load("b", {})]);
    expect(moves).toEqual([{ from: "a", to: "b", cluster: "x", agents: 10 }]);
  });

  test("a cluster that is split - its parts come together", () => {
    const moves = planMoves([load("a", { x: 10, y: 20 }), load("b", { x: 10 })]);
    expect(moves).toEqual([{ from: "a", to: "b", cluster: "x", agents: 10 }]);
  });

  test("a gateway that drains - is emptied, whatever the difference", () => {
    const gateways = [load("a", { x: 1 }, { draining: true }), load("b", { x: 100 })];
    expect(planMoves(gateways)).toEqual([{ from: "a", to: "b", cluster: "x", agents: 1 }]);
  });

  test("weights - are shares", () => {
    const gateways = [load("a", { x: 90 }), load("b", {}, { weight: 2 })];
    expect(planMoves(gateways)).toEqual([{ from: "a", to: "b", cluster: "x", agents: 60 }]);
  });

  test.each([
    ["nobody else is there", [load("a", { x: 10 }, { draining: true })]],
    ["all drain", [load("a", { x: 9 }, { draining: true }), load("b", {}, { draining: true })]],
    ["the difference is small", [load("a", { x: 104 }), load("b", { x: 96 })]],
    ["there are no agents", [load("a", {}), load("b", {})]],
    ["there are no gateways", []],
  ])("nothing moves - when %s", (_when, gateways) => {
    expect(planMoves(gateways)).toEqual([]);
  });

  test("any fleet - ends within one agent of the weighted even share", () => {
    fc.assert(
      fc.property(fleets, (gateways) => {
        const taking = gateways.filter(({ weight, draining }) => weight > 0 && !draining);
        fc.pre(taking.length > 0);
        const held = after(gateways, planMoves(gateways, none));
        const total = gateways.reduce((all, { clusters }) => all + sum(clusters), 0);
        const weights = taking.reduce((all, { weight }) => all + weight, 0);
        for (const { id, weight, draining } of gateways) {
          const share = draining ? 0 : (total * weight) / weights;
          expect(Math.abs(sum(held.get(id) ?? {}) - share)).toBeLessThan(1 + 1e-6);
        }
      }),
    );
  });

  test("any fleet - moves no more agents than the shares ask, and none twice", () => {
    fc.assert(
      fc.property(fleets, (gateways) => {
        const moves = planMoves(gateways, none);
        const total = gateways.reduce((all, { clusters }) => all + sum(clusters), 0);
        const taking = gateways.filter(({ weight, draining }) => weight > 0 && !draining);
        const weights = taking.reduce((all, { weight }) => all + weight, 0);
        // Whoever holds more than his share rounded up must give the rest away: less can't do.
        const needed = (round: (share: number) => number) =>
          gateways.reduce((all, { weight, draining, clusters }) => {
            const share = draining || weights === 0 ? 0 : (total * weight) / weights;
            return all + Math.max(0, sum(clusters) - round(share));
          }, 0);
        const moved = moves.reduce((all, { agents }) => all + agents, 0);
        if (taking.length === 0) expect(moved).toBe(0);
        else {
          expect(moved).toBeGreaterThanOrEqual(needed((share) => Math.ceil(share - 1e-9)));
          expect(moved).toBeLessThanOrEqual(needed((share) => Math.floor(share + 1e-9)));
        }
        const givers = new Set(moves.map(({ from }) => from));
        expect(moves.filter(({ to }) => givers.has(to))).toEqual([]);
      }),
    );
  });

  test("any fleet - a second plan right after the first has nothing to do", () => {
    fc.assert(
      fc.property(fleets, (gateways) => {
        const held = after(gateways, planMoves(gateways, none));
        const moved = gateways.map((gateway) => ({
          ...gateway,
          clusters: held.get(gateway.id) ?? {},
        }));
        expect(planMoves(moved)).toEqual([]);
      }),
    );
  });

  test("clusters of one size, and gateways that take whole ones - none is split", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 20 }), (each, size) => {
        const names = Array.from({ length: 3 * each }, (_, i) => `c-${i}`);
        const gateways = [
          load("a", Object.fromEntries(names.map((name) => [name, size]))),
          load("b", {}),
          load("c", {}),
        ];
        const moves = planMoves(gateways, none);
        expect(moves.every(({ agents }) => agents === size)).toBe(true);
        expect(moves).toHaveLength(2 * each);
      }),
    );
  });

  test("the order in which gateways are named - changes nothing", () => {
    fc.assert(
      fc.property(fleets, (gateways) => {
        const moved = (moves: readonly Move[]) =>
          moves.reduce((all, { agents }) => all + agents, 0);
        expect(moved(planMoves([...gateways].reverse()))).toBe(moved(planMoves(gateways)));
      }),
    );
  });
});

describe("even shares", () => {
  test("a whole share - gets nothing of what is left over, however much it holds", () => {
    const gateways = [
      load("a", { x: 133 }, { weight: 2 }),
      load("b", { x: 30 }, { weight: 3 }),
      load("c", { x: 32 }),
    ];
    expect(evenShares(gateways)?.get("a")).toBe(65);
  });

  test("what is left over - goes to who holds it already", () => {
    const shares = evenShares([load("a", { x: 1 }), load("b", { x: 2 })]);
    expect([...(shares ?? [])]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });
});
