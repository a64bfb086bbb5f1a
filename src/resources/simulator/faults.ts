/** Programmed trouble: how long a Command type takes, and what goes wrong with it. */
import { SimulatorConfigError } from "./errors.ts";

/**
 * What goes wrong:
 *   fail     a failed Answer, no effect
 *   throw    the resource throws, no effect
 *   hang     nothing happens until the Command is aborted
 *   drop     it takes effect, and no Answer ever comes, whoever aborts it
 *   rubbish  it takes effect, and what comes back is no Answer
 */
const modes = ["fail", "throw", "hang", "drop", "rubbish"] as const;
export type FaultMode = (typeof modes)[number];

/** Trouble with one Command type. */
export interface Fault {
  /** How long it takes before anything else happens. Default 0. */
  readonly delayMs?: number;
  readonly mode?: FaultMode;
  /** How many times; then the fault is gone. Absent: always. */
  readonly times?: number;
}

/** Faults by Command type; `*` is for types without one of their own. */
export type Faults = Readonly<Record<string, Fault>>;

/** @throws SimulatorConfigError naming the setting. */
export function readFaults(value: unknown): Faults {
  if (!isRecord(value)) throw new SimulatorConfigError("faults", "must be an object.");
  return Object.fromEntries(
    Object.entries(value).map(([type, fault]) => [type, readFault(`faults.${type}`, fault)]),
  );
}

function readFault(setting: string, value: unknown): Fault {
  if (!isRecord(value)) throw new SimulatorConfigError(setting, "must be an object.");
  const { delayMs, mode, times } = value;
  if (mode !== undefined && !modes.some((known) => known === mode)) {
    throw new SimulatorConfigError(`${setting}.mode`, `must be one of ${modes.join(", ")}.`);
  }
  return {
    ...(delayMs !== undefined && { delayMs: amount(`${setting}.delayMs`, delayMs) }),
    ...(mode !== undefined && { mode: mode as FaultMode }),
    ...(times !== undefined && { times: amount(`${setting}.times`, times) }),
  };
}

function amount(setting: string, value: unknown): number {
  if (typeof value !== "number" || !(value >= 0)) {
    throw new SimulatorConfigError(setting, "must be a number, 0 or more.");
  }
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The faults of one host, with what is left of each. */
export class FaultPlan {
  #faults: Map<string, Fault>;

  constructor(faults: Faults) {
    this.#faults = new Map(Object.entries(faults));
  }

  /** Replaces all of them. */
  set(faults: Faults): void {
    this.#faults = new Map(Object.entries(faults));
  }

  /** The fault for one Command, used up by one. */
  take(type: string): Fault | undefined {
    const key = this.#faults.has(type) ? type : "*";
    const fault = this.#faults.get(key);
    if (fault?.times === undefined) return fault;
    if (fault.times <= 1) this.#faults.delete(key);
    else this.#faults.set(key, { ...fault, times: fault.times - 1 });
    return fault.times >= 1 ? fault : undefined;
  }
}
