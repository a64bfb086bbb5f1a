/** Temporal was reached but will not have us, so that trying again can't help; or waiting for it was given up. */
export class TemporalConnectError extends Error {
  readonly code: "REFUSED" | "ABORTED";
  constructor(code: TemporalConnectError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TemporalConnectError";
    this.code = code;
  }
}
