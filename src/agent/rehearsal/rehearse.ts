/** Plays a plan on a fleet, and tells what happens. */
import { once } from "node:events";
import { rest } from "../time-limit.ts";
import type { Step, StepType } from "./plan.ts";
import type { FleetCount } from "./tally.ts";

const tellEveryMs = 5_000;

/** A fleet that things happen to, wherever its hosts run. */
export interface RehearsedFleet {
  strike(type: StepType, hosts: readonly number[]): void;
  count(): Promise<FleetCount>;
}

/** One line of progress. */
export interface SimNews extends FleetCount {
  /** Since all agents were connected. */
  readonly atMs: number;
  readonly event: StepType | "now" | "end";
  /** How many hosts it happens to. */
  readonly hosts?: number;
  readonly zone?: string;
}

/** Until the signal aborts: does each step at its time, and counts now and then and at the end. */
export async function rehearse(
  fleet: RehearsedFleet,
  steps: readonly Step[],
  tell: (news: SimNews) => void,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const atMs = (): number => Math.round(performance.now() - began);
  let telling = Promise.resolve();
  // Counting may take a while; the steps do not wait for it, and the lines stay in order.
  const tellCount = (facts: Omit<SimNews, keyof FleetCount>): void => {
    const counting = fleet.count();
    telling = telling.then(async () => {
      tell({ ...facts, ...(await counting) });
    });
  };
  const timer = setInterval(() => {
    tellCount({ atMs: atMs(), event: "now" });
  }, tellEveryMs);
  try {
    for (const { type, hosts, zone, ...step } of steps) {
      await rest(step.atMs - atMs(), signal);
      if (signal.aborted) break;
      fleet.strike(type, hosts);
      const facts = { hosts: hosts.length, ...(zone !== undefined && { zone }) };
      tellCount({ atMs: atMs(), event: type, ...facts });
    }
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    clearInterval(timer);
  }
  tellCount({ atMs: atMs(), event: "end" });
  await telling;
}
