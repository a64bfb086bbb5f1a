/** Why a call got no Answers. */
export type ManagerErrorCode =
  /** No gateway could be reached within the wait. */
  | "NOT_CONNECTED"
  /** The connection was lost while a Command of the direct lane was under way. */
  | "CONNECTION_LOST"
  /** The wait is over, and no gateway could be asked what became of the Request: ask for it by its id. */
  | "NO_NEWS"
  /** The caller's AbortSignal was aborted; its reason is the `cause`. */
  | "ABORTED"
  /** Of many agents: one before it failed, and the call was to stop there. */
  | "STOPPED"
  /** Of many agents: the caller's function threw instead of giving the agent's Command. */
  | "NO_COMMAND"
  /** `close()` was called. */
  | "CLOSED"
  /** The token is wrong. */
  | "UNAUTHENTICATED"
  /** The gateway replied with something else than was asked for: it is of another release. */
  | "UNREADABLE_REPLY"
  /** What the gateway refused with (docs/CLIENT-API.md lists the codes); new ones may come. */
  | (string & {});

/** A call was refused or lost. `outcome` says whether it can have taken effect; `message` what to change. */
export class AgentManagerError extends Error {
  readonly code: ManagerErrorCode;
  readonly outcome: "notSent" | "unknown";
  /** For asking what became of the Request; of the durable lane only. */
  readonly requestId?: string;
  /** For AGENT_ELSEWHERE: the operator API of the gateway that holds the agent. */
  readonly apiUrl?: string;
  constructor(
    code: ManagerErrorCode,
    outcome: "notSent" | "unknown",
    message: string,
    options: ErrorOptions & { requestId?: string | undefined; apiUrl?: string | undefined } = {},
  ) {
    super(message, options);
    this.name = "AgentManagerError";
    this.code = code;
    this.outcome = outcome;
    if (options.requestId !== undefined) this.requestId = options.requestId;
    if (options.apiUrl !== undefined) this.apiUrl = options.apiUrl;
  }
}
