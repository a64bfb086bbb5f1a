/** Why a Request was refused before anything was recorded. `code` is stable, `message` says what to change. */
export class RequestRefusedError extends Error {
  readonly code:
    | "AGENT_UNKNOWN"
    | "AGENT_REMOVED"
    | "AGENT_NOT_CONNECTED"
    | "AGENT_ELSEWHERE"
    | "NOT_READ_ONLY"
    | "RESOURCE_STATE"
    | "MAILBOX_FULL"
    | "INVALID_REQUEST"
    | "DUPLICATE_COMMAND_ID"
    | "REQUEST_ID_TAKEN"
    | "AGENT_BUSY"
    | "MANAGER_UNAVAILABLE";
  /** For AGENT_ELSEWHERE: the operator API of the gateway that holds the agent. */
  readonly apiUrl?: string;
  constructor(
    code: RequestRefusedError["code"],
    message: string,
    options: ErrorOptions & { apiUrl?: string } = {},
  ) {
    super(message, options);
    this.name = "RequestRefusedError";
    this.code = code;
    if (options.apiUrl !== undefined) this.apiUrl = options.apiUrl;
  }
}
