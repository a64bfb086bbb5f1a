/** Which problem an error is. What nobody foresaw stays inside: its message may hold what callers must not see. */
import { RequestRefusedError } from "../errors.ts";
import { ApiError } from "./errors.ts";
import { problemOf, type ProblemCode, type ProblemDetails } from "./problems.ts";

/** Errors of fastify itself, by their code. */
const fastifyCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: "MALFORMED_JSON",
  FST_ERR_CTP_EMPTY_JSON_BODY: "MALFORMED_JSON",
  FST_ERR_CTP_BODY_TOO_LARGE: "TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "INVALID_REQUEST",
  FST_ERR_VALIDATION: "INVALID_REQUEST",
  FST_ERR_BAD_URL: "INVALID_REQUEST",
  FST_ERR_MAX_PARAM_LENGTH: "INVALID_REQUEST",
};

/** Errors of pg and its sockets: the database is away, or too slow. */
const databaseCodes = /^(08|57P0|53)|^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)/;
const databaseMessages =
  /^(Query read timeout|timeout exceeded when trying to connect|Connection terminated)/;

/** The problem details for an error; undefined when it is none that a caller could do something about. */
export function knownProblem(error: unknown): ProblemDetails | undefined {
  if (error instanceof ApiError) return problemOf(error.code, error.message);
  if (error instanceof RequestRefusedError) {
    const { apiUrl } = error;
    return problemOf(error.code, error.message, apiUrl === undefined ? {} : { apiUrl });
  }
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = Object.hasOwn(fastifyCodes, code) ? fastifyCodes[code] : undefined;
  if (known !== undefined) return problemOf(known, error.message);
  if (databaseCodes.test(code) || databaseMessages.test(error.message)) {
    return problemOf(
      "MANAGER_UNAVAILABLE",
      "PostgreSQL does not answer. Try again; if it stays away, look at the database and DATABASE_URL.",
    );
  }
  return undefined;
}

/** The problem details for any error. */
export function problemOfError(error: unknown): ProblemDetails {
  return (
    knownProblem(error) ??
    problemOf("INTERNAL", "The gateway failed while it handled this. Its log says more.")
  );
}
