/** The command line asks for something that can't be: exit code 2. */
export class UsageError extends Error {
  readonly code = "USAGE";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UsageError";
  }
}

/** A host did not get into maintenance: exit code 1. */
export class MaintenanceFailedError extends Error {
  readonly code = "MAINTENANCE_FAILED";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MaintenanceFailedError";
  }
}

/** A gateway was not emptied: exit code 1. */
export class DrainFailedError extends Error {
  readonly code = "DRAIN_FAILED";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DrainFailedError";
  }
}

/** The command was carried out and told of a failure, such as an Answer whose result is false: exit code 1. */
export class FailedAnswerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FailedAnswerError";
  }
}

/** The process that simulates hosts can't be asked, or refuses: exit code 1. */
export class WorldError extends Error {
  readonly code = "WORLD";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WorldError";
  }
}

/** Whoever asked did not want to wait any longer (Ctrl-C); the message says what goes on without them. Exit code 1. */
export class DetachedError extends Error {
  readonly code = "DETACHED";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DetachedError";
  }
}

/** Somebody was asked whether a whole fleet is meant, and did not say yes: exit code 1. */
export class NotConfirmedError extends Error {
  readonly code = "NOT_CONFIRMED";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NotConfirmedError";
  }
}

/** No agent is what `--where` says: exit code 1. */
export class NoAgentsError extends Error {
  readonly code = "NO_AGENTS";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NoAgentsError";
  }
}
