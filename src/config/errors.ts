/** A setting that stops the process. The message names the variable, says what was wrong and what to change. */
export class ConfigError extends Error {
  readonly code = "CONFIG";
  readonly variable: string;
  constructor(variable: string, problem: string, options?: ErrorOptions) {
    super(`${variable}: ${problem}`, options);
    this.name = "ConfigError";
    this.variable = variable;
  }
}
