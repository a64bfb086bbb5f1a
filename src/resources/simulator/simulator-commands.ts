/** The simulator's own Commands: tests and demonstrations program a host with them while it runs. */
import type { Answer, CommandTraits } from "../../api/index.ts";
import { Command, hostCommandTraits, type CommandOptions } from "../../api/index.ts";
import type { Faults } from "./faults.ts";

const reading = hostCommandTraits.GetHostStats;

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

/** Has the host ask the manager something (ManagerLink), and gives what it answered. */
export class SimulatorAskManagerCommand extends Command<SimulatorAskManagerAnswer> {
  readonly type = "SimulatorAskManager";
  readonly command: AskedOfManager;
  /** How long to wait for the manager's Answer, in milliseconds. */
  readonly waitMs?: number;
  constructor(
    fields: { readonly command: AskedOfManager; readonly waitMs?: number } & CommandOptions,
  ) {
    super(fields);
    this.command = fields.command;
    if (fields.waitMs !== undefined) this.waitMs = fields.waitMs;
  }
}
/** Failed with a ManagerLinkErrorCode when the manager gave no Answer. */
export interface SimulatorAskManagerAnswer extends Answer {
  readonly type: "SimulatorAskManagerAnswer";
  readonly answer?: Answer;
}
interface AskedOfManager {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Traits of these types, for the Startup Command. */
export const simulatorCommandTypes: Readonly<Record<string, CommandTraits>> = {
  SimulatorConfigure: { ...reading, readOnly: false },
  SimulatorReport: reading,
  SimulatorAskManager: reading,
};
