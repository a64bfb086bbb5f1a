/** The database can't be used as it is. `code` is stable, `message` says what to change. */
export class DatabaseError extends Error {
  readonly code: "UNREACHABLE" | "NEWER_THAN_CODE" | "OLDER_THAN_CODE" | "MIGRATION_FAILED";
  constructor(code: DatabaseError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DatabaseError";
    this.code = code;
  }
}
