/** A worker can't do its work. `code` is stable, `message` says what to change. */
export class WorkerError extends Error {
  readonly code: "PORT_TAKEN" | "BUNDLE_FAILED" | "INVESTIGATOR_MODULE" | "ABORTED";
  constructor(code: WorkerError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WorkerError";
    this.code = code;
  }
}
