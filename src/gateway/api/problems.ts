/** What the operator API answers when it does not do what was asked: problem details (RFC 9457) with a stable `code`. */

/** Status and title of each code. Append only: callers match on the codes. */
export const problems = {
  UNAUTHENTICATED: [401, "A valid bearer token is needed"],
  ORIGIN_NOT_ALLOWED: [403, "Pages of this origin may not ask"],
  MALFORMED_JSON: [400, "The body is not JSON"],
  INVALID_REQUEST: [400, "The request has the wrong shape"],
  ROUTE_UNKNOWN: [404, "There is nothing at this path"],
  METHOD_NOT_ALLOWED: [405, "The path does not take this method"],
  TOO_LARGE: [413, "The request is too large"],
  UNSUPPORTED_MEDIA_TYPE: [415, "The body must be application/json"],
  AGENT_UNKNOWN: [404, "No such agent"],
  AGENT_EXISTS: [409, "The agent id is used"],
  REFUSAL_UNKNOWN: [404, "No such refused agent"],
  ZONE_UNKNOWN: [404, "No such zone"],
  CLUSTER_UNKNOWN: [404, "No such cluster"],
  GATEWAY_UNKNOWN: [404, "No such gateway"],
  GATEWAY_NOT_JOINED: [409, "The gateway is not there"],
  NOT_DRAINING: [409, "The gateway does not drain"],
  PLACE_IN_USE: [409, "The place is in use"],
  CLUSTER_TYPE_FIXED: [409, "The cluster holds resources of another type"],
  AGENT_REMOVED: [410, "The agent was removed"],
  AGENT_NOT_CONNECTED: [409, "The agent is not connected"],
  AGENT_ELSEWHERE: [421, "Another gateway holds the agent"],
  NOT_READ_ONLY: [422, "The direct lane takes read-only Commands"],
  RESOURCE_STATE: [409, "The resource state does not allow it"],
  MAINTENANCE_SLOT_TAKEN: [409, "The cluster can't spare another host now"],
  MAILBOX_FULL: [429, "Too many Requests are pending"],
  DUPLICATE_COMMAND_ID: [409, "The Command id was used before"],
  REQUEST_ID_TAKEN: [409, "The request id was used for another agent"],
  REQUEST_FORGOTTEN: [410, "The request id was used too long ago to tell"],
  REQUEST_UNKNOWN: [404, "No such request"],
  PAYLOAD_KEY_NEEDED: [409, "The manager has no key to keep a secret with"],
  AGENT_BUSY: [429, "The agent has too many Requests to answer"],
  TOO_MANY_IN_FLIGHT: [429, "Too many calls are open on this socket"],
  WEBHOOK_UNKNOWN: [404, "No such webhook"],
  TOO_MANY_WEBHOOKS: [409, "There are too many webhooks"],
  MANAGER_UNAVAILABLE: [503, "A part of the manager does not answer"],
  NOT_READY: [503, "This gateway is not ready"],
  INTERNAL: [500, "The gateway failed"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;
export type ProblemCode = keyof typeof problems;

/** The body of a refusal, `application/problem+json`. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What was wrong and what to change. */
  readonly detail: string;
  readonly code: ProblemCode;
  /** For AGENT_ELSEWHERE: the operator API to ask. */
  readonly apiUrl?: string;
}

export const problemMediaType = "application/problem+json";

/** The problem details of a code. */
export function problemOf(
  code: ProblemCode,
  detail: string,
  more: Pick<ProblemDetails, "apiUrl"> = {},
): ProblemDetails {
  const [status, title] = problems[code];
  return { type: `urn:muster:problem:${code}`, title, status, detail, code, ...more };
}
