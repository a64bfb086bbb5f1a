/** The simulator's own Commands: tests and demonstrations program a host with them while it runs. */
import type { Answer, CommandTraits } from "../../api/index.ts";
import { Command, type CommandOptions } from "../../api/index.ts";
import type { Faults } from "./faults.ts";

/** Programs the host. What is not given stays as it is. */
export class SimulatorConfigureCommand extends Command<SimulatorConfigureAnswer> {
  readonly type = "SimulatorConfigure";
  /** Replaces all faults. */
  readonly faults?: Faults;
  /** What the host says of itself at the next pings. */
  readonly health?: SimulatedHealth;
  constructor(
    fields: { readonly faults?: Faults; readonly health?: SimulatedHealth } & CommandOptions,
  ) {
    super(fields);
    if (fields.faults !== undefined) this.faults = fields.faults;
    if (fields.health !== undefined) this.health = fields.health;
  }
}
export interface SimulatorConfigureAnswer extends Answer {
  readonly type: "SimulatorConfigureAnswer";
}
export interface SimulatedHealth {
  readonly healthy: boolean;
  readonly details?: string;
}

/** Asks how often each Command took effect. */
export class SimulatorReportCommand extends Command<SimulatorReportAnswer> {
  readonly type = "SimulatorReport";
}
export interface SimulatorReportAnswer extends Answer {
  readonly type: "SimulatorReportAnswer";
  /** Effects by Command id. */
  readonly effects?: Readonly<Record<string, number>>;
}

/** Traits of these types, for the Startup Command. */
export const simulatorCommandTypes: Readonly<Record<string, CommandTraits>> = {
  SimulatorConfigure: {
    inSequence: false,
    idempotent: true,
    readOnly: false,
    needsNewResources: false,
    evacuation: false,
    check: true,
    waitSeconds: 30,
  },
  SimulatorReport: {
    inSequence: false,
    idempotent: true,
    readOnly: true,
    needsNewResources: false,
    evacuation: false,
    check: true,
    waitSeconds: 30,
  },
};
