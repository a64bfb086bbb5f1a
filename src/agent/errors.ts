import type { ManagerLinkErrorCode } from "../api/index.ts";

/** Another container holds this agent's directory, or its identity can't be read: the process has to stop. */
export class AgentHomeError extends Error {
  readonly code: "AGENT_RUNNING" | "IDENTITY_UNREADABLE" | "BAD_AGENT_ID";
  constructor(code: AgentHomeError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentHomeError";
    this.code = code;
  }
}

/** A resource that can't be loaded: the process has to stop. The message says what to change. */
export class ResourceLoadError extends Error {
  readonly code = "RESOURCE_LOAD";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ResourceLoadError";
  }
}

/** The journal can't be written: a Command that changes something must not start. */
export class JournalError extends Error {
  readonly code = "JOURNAL_UNAVAILABLE";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "JournalError";
  }
}

/** What a resource asked of the manager got no Answer. */
export class ManagerLinkError extends Error {
  readonly code: ManagerLinkErrorCode;
  constructor(code: ManagerLinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ManagerLinkError";
    this.code = code;
  }
}

/** Something took longer than it may. */
export class TimeLimitError extends Error {
  readonly code = "TIME_LIMIT";
  constructor(what: string, limitMs: number) {
    super(`${what} did not come back within ${limitMs} ms.`);
    this.name = "TimeLimitError";
  }
}

/** The port for the simulated hosts' world is taken. */
export class WorldPortError extends Error {
  readonly code = "PORT_TAKEN";
  constructor(port: number, options?: ErrorOptions) {
    super(
      `Port ${port} for the world of the simulated hosts is taken: give another --world-port, or 0 for any.`,
      options,
    );
    this.name = "WorldPortError";
  }
}
