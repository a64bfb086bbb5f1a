import fc from "fast-check";
import { expect, test } from "vitest";
import { evacuationPolicies } from "../../../src/api/index.ts";
import { isActive, progressOf, evacuationSettings } from "../../../src/lifecycle/index.ts";
import { EvacuationModel, type Fate } from "./evacuation-model.ts";

const fates: readonly Fate[] = [
  ...(["done", "refused", "unknownButDone", "unknown"] as const),
  ...(["notDelivered", "cancelled", "lie", "noAnswer"] as const),
];
const deadlineMs = 600_000;

const lives = fc.record({
  vms: fc.integer({ min: 0, max: 12 }),
  destinations: fc.subarray(["b", "c", "d", "e"]),
  policy: fc.constantFrom(...evacuationPolicies),
  fates: fc.infiniteStream(
    fc.oneof({ weight: 5, arbitrary: fc.constant<Fate>("done") }, fc.constantFrom(...fates)),
  ),
  order: fc.infiniteStream(fc.nat(10)),
});

test("evacuation - ends by its deadline, with every machine moved, stopped or named as failed", () => {
  fc.assert(
    fc.property(lives, (life) => {
      const names = Array.from({ length: life.vms }, (_, no) => `vm-${no}`);
      const model = new EvacuationModel(names, life.destinations, life.policy, deadlineMs).claim();
      model.fateOf = () => life.fates.next().value as Fate;
      const step = model.step.bind(model);
      model.step = (world) => {
        const requests = step(world);
        const open = [...model.open.values()].flatMap(({ commands }) => commands);
        const machines = open.flatMap((command) =>
          command.type === "ListVms" ? [] : [command.vm],
        );
        expect(new Set(machines).size, "two Commands for one machine").toBe(machines.length);
        expect(machines.length).toBeLessThanOrEqual(evacuationSettings.atOnce);
        expect(model.evacuation.vms.length).toBeLessThanOrEqual(names.length);
        for (const { waitMs } of requests) expect(waitMs).toBeGreaterThan(0);
        return requests;
      };
      model.play(() => life.order.next().value as number);

      expect(isActive(model.evacuation)).toBe(false);
      expect(model.nowMs).toBeLessThanOrEqual(deadlineMs);
      const { failed, remaining, total } = progressOf(model.evacuation, {
        agentAway: false,
        earlierPending: false,
      });
      if (model.evacuation.phase === "done") expect(model.running).toEqual([]);
      else expect(model.evacuation.phase).toBe("failed");
      expect(failed).toHaveLength(remaining);
      if (!model.evacuation.listed) return;
      expect(total).toBe(names.length);
      const accounted = new Set<unknown>([
        ...failed.map(({ vm }) => vm),
        ...model.told("moved"),
        ...model.told("stopped"),
      ]);
      expect(names.filter((name) => !accounted.has(name))).toEqual([]);
    }),
    { numRuns: 400 },
  );
});
