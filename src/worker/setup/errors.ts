/** A set-up step that can't be done. `code` is stable, `message` says what to change. */
export class SetupError extends Error {
  readonly code:
    "SEARCH_ATTRIBUTE_TYPE" | "SEARCH_ATTRIBUTES_REFUSED" | "NOT_USABLE" | "NOT_RENEWED";
  constructor(code: SetupError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SetupError";
    this.code = code;
  }
}
