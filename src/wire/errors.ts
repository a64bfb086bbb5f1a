/** A frame that breaks the protocol. `code` is stable; `message` says what was wrong, for the sender. */
export class MalformedFrameError extends Error {
  readonly code: "TOO_LARGE" | "NOT_JSON" | "TOO_DEEP" | "WRONG_SHAPE" | "UNSUPPORTED_VERSION";
  constructor(code: MalformedFrameError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MalformedFrameError";
    this.code = code;
  }
}
