/** Plays a plan on the hosts of this process, and tells what happens. */
import { once } from "node:events";
import { rest } from "../time-limit.ts";
import type { Step, StepType } from "./plan.ts";
import type { FleetCount, FleetTally } from "./tally.ts";

const tellEveryMs = 5_000;

/** A host that things happen to. */
export interface RehearsedHost {
  setPower(power: "on" | "off"): void;
  setNetwork(state: "up" | "silent" | "down"): void;
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
  hosts: readonly RehearsedHost[],
  steps: readonly Step[],
  tally: FleetTally,
  tell: (news: SimNews) => void,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const atMs = (): number => Math.round(performance.now() - began);
  const telling = setInterval(() => {
    tell({ atMs: atMs(), event: "now", ...tally.count() });
  }, tellEveryMs);
  try {
    for (const { type, hosts: numbers, zone, ...step } of steps) {
      await rest(step.atMs - atMs(), signal);
      if (signal.aborted) break;
      for (const number of numbers) strike(hosts[number], type);
      const facts = { hosts: numbers.length, ...(zone !== undefined && { zone }) };
      tell({ atMs: atMs(), event: type, ...facts, ...tally.count() });
    }
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    clearInterval(telling);
  }
  tell({ atMs: atMs(), event: "end", ...tally.count() });
}

function strike(host: RehearsedHost | undefined, type: StepType): void {
  switch (type) {
    case "silence":
      host?.setNetwork("silent");
      return;
    case "drop":
      host?.setNetwork("down");
      return;
    case "voice":
    case "raise":
      host?.setNetwork("up");
      return;
    case "kill":
      host?.setPower("off");
      return;
  }
}
