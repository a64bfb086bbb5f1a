/** Something of the embedded stack that can't be set up or started. The message says what to do about it. */
export class LocalStackError extends Error {
  readonly code:
    | "TEMPORAL_CLI_MISSING"
    | "POSTGRES_MISSING"
    | "PORT_BUSY"
    | "DATA_IN_USE"
    | "DATA_UNUSABLE"
    | "HOME_IN_USE"
    | "HOME_UNUSABLE"
    | "NOT_BUILT"
    | "PROCESS_DIED"
    | "NOT_READY"
    | "ABORTED";
  constructor(code: LocalStackError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LocalStackError";
    this.code = code;
  }
}
