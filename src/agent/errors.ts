import type { ManagerLinkErrorCode } from "../api/index.ts";

/**
 * Another container holds this agent's directory, its identity can't be read, or nothing can be written there: the process
 * has to stop.
 */
export class AgentHomeError extends Error {
  readonly code: "AGENT_RUNNING" | "IDENTITY_UNREADABLE" | "BAD_AGENT_ID" | "HOME_UNWRITABLE";
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

/** The journal can't be read or written, or holds all that it may: a Command that changes something must not start. */
export class JournalError extends Error {
  readonly code: "JOURNAL_UNAVAILABLE" | "JOURNAL_FULL";
  constructor(code: JournalError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "JournalError";
    this.code = code;
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

/** A process that simulated some of the fleet's hosts is gone, and its hosts with it: the whole fleet has to stop. */
export class SimProcessError extends Error {
  readonly code = "SIM_PROCESS_ENDED";
  /** @param hosts names some of them. */
  constructor(pid: number | undefined, hosts: string, why: string) {
    super(
      `The process ${pid ?? "(none)"} that simulated ${hosts} ended: ${why}. The others were stopped: without these hosts the fleet is not what was asked for. Start it again; what the process itself said stands above.`,
    );
    this.name = "SimProcessError";
  }
}
