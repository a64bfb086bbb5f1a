/** A setting of the simulator that makes no sense. The message names it. */
export class SimulatorConfigError extends Error {
  readonly code = "SIMULATOR_CONFIG";
  constructor(setting: string, problem: string) {
    super(`${setting}: ${problem}`);
    this.name = "SimulatorConfigError";
  }
}

/** A Command that the host can't carry out: becomes a failed Answer with this code. */
export class RefusedError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "RefusedError";
    this.code = code;
  }
}
