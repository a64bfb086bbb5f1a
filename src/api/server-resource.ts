import type { Answer, ResourceAnswer } from "./answer.ts";
import type { WireCommand } from "./command.ts";
import type { ResourceStatus, StartupCommand } from "./session-commands.ts";

/** What the container hands to a resource with each Command. */
export interface ExecuteOptions {
  /**
   * Aborted when the Command is cancelled, its wait is over, its session is lost (direct lane only), or the agent stops. A
   * resource that has not come back 5 s later is not waited for any more, and the next Command begins.
   */
  readonly signal: AbortSignal;
  /** How long the caller still waits, in milliseconds, when the Command started. */
  readonly waitMs: number;
}

/**
 * Translates Commands into operations on one physical resource, without any database
 * (seed: ServerResource). Whoever writes one depends on `muster/api` alone.
 */
export interface ServerResource {
  /** Name, unique within the agent. */
  readonly name: string;
  /**
   * Prepares the resource and describes it; called before each new session.
   * An error keeps the agent from connecting and is retried with back-off.
   */
  initialize(): Promise<
    Omit<StartupCommand, "type" | "zone" | "cluster"> & Partial<StartupCommand>
  >;
  /** What the resource says of itself at each ping. An error or a hang is reported as unhealthy. */
  currentStatus(): Promise<Omit<ResourceStatus, "name">>;
  /**
   * Runs one Command and gives its Answer; `unsupported(command)` for a type that it does not map.
   * An error becomes an Answer with `result: false`.
   */
  executeRequest(command: WireCommand, options: ExecuteOptions): Promise<ResourceAnswer>;
  /** The session ended. Work in progress goes on; its Answers are kept until the next session. */
  disconnected?(): void;
  /** The agent is stopping: let go of what the resource holds open. */
  close?(): Promise<void>;
}

/** The way of a resource to the manager (the original's AgentControlCommand). */
export interface ManagerLink {
  /**
   * Asks the manager something: its CommandListeners are offered the Command in turn, and the first Answer counts
   * (`UnsupportedAnswer` when none answers). It is not journalled and not repeated.
   * Rejects with an Error whose `code` is a ManagerLinkErrorCode.
   * @param command `id` is filled in when absent. The types of the link itself (`Ping`, `Startup`, …) can't be asked.
   * @param options `waitMs`: how long to wait for the Answer, default 10 s.
   */
  ask(
    command: { readonly type: string; readonly [field: string]: unknown },
    options?: { readonly waitMs?: number; readonly signal?: AbortSignal },
  ): Promise<Answer>;
}

/** Why `ManagerLink.ask` gave no Answer. Append only. */
export type ManagerLinkErrorCode =
  /** Nothing was sent: the agent has no session, as in `initialize` */
  | "NO_SESSION"
  /** Nothing was sent: too many are unanswered */
  | "TOO_MANY_OPEN"
  /** Nothing was sent: it is no Command, does not fit into a frame, or its type belongs to the link */
  | "BAD_COMMAND"
  /** Whether the manager heard it is not known: the session ended first */
  | "SESSION_LOST"
  /** Whether the manager heard it is not known: no Answer came within the wait */
  | "WAIT_OVER"
  /** Whether the manager heard it is not known: the signal aborted, with its reason as `cause` */
  | "ABORTED";

/** Who the agent is and how its resource was configured, for a resource factory. */
export interface ResourceContext {
  readonly agentId: string;
  /** Settings given with `--config`, as parsed JSON. */
  readonly config: Readonly<Record<string, unknown>>;
  /** To ask the manager something, while the agent has a session. */
  readonly manager: ManagerLink;
}

/** What a module given to `muster agent --resource <module>` exports as default. */
export type ResourceFactory = (
  context: ResourceContext,
) => ServerResource | Promise<ServerResource>;
