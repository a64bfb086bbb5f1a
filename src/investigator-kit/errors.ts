/** An Investigator failed a check. The message says what it did and what it must do. */
export class InvestigatorCheckError extends Error {
  readonly code = "INVESTIGATOR_CHECK";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InvestigatorCheckError";
  }
}
