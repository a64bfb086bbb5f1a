/** The operator API refused. `code` is that of its problem details; the message says what to change. */
export class ApiRefusedError extends Error {
  readonly code: string;
  readonly status: number;
  /** For AGENT_ELSEWHERE: the operator API to ask. */
  readonly apiUrl?: string;
  constructor(
    problem: { code: string; status: number; message: string; apiUrl?: string },
    options?: ErrorOptions,
  ) {
    super(problem.message, options);
    this.name = "ApiRefusedError";
    this.code = problem.code;
    this.status = problem.status;
    if (problem.apiUrl !== undefined) this.apiUrl = problem.apiUrl;
  }
}

/** No operator API could be asked, or it did not answer as one. */
export class ApiUnreachableError extends Error {
  readonly code: "API_UNREACHABLE" | "API_TIMEOUT" | "API_BROKEN_OFF" | "API_NOT_MUSTER";
  constructor(code: ApiUnreachableError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiUnreachableError";
    this.code = code;
  }
}
