import { describe, expect, it } from "vitest";
import { ApiError } from "../../../src/gateway/api/errors.ts";
import { knownProblem, problemOfError } from "../../../src/gateway/api/problem-of-error.ts";
import { problemOf, problems, type ProblemCode } from "../../../src/gateway/api/problems.ts";
import { RequestRefusedError } from "../../../src/gateway/errors.ts";

/** Codes are matched on by callers: a change here breaks them. */
const statuses: Record<ProblemCode, number> = {
  UNAUTHENTICATED: 401,
  ORIGIN_NOT_ALLOWED: 403,
  MALFORMED_JSON: 400,
  INVALID_REQUEST: 400,
  ROUTE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  AGENT_UNKNOWN: 404,
  AGENT_EXISTS: 409,
  REFUSAL_UNKNOWN: 404,
  ZONE_UNKNOWN: 404,
  CLUSTER_UNKNOWN: 404,
  GATEWAY_UNKNOWN: 404,
  GATEWAY_NOT_JOINED: 409,
  NOT_DRAINING: 409,
  PLACE_IN_USE: 409,
  CLUSTER_TYPE_FIXED: 409,
  AGENT_REMOVED: 410,
  AGENT_NOT_CONNECTED: 409,
  AGENT_ELSEWHERE: 421,
  NOT_READ_ONLY: 422,
  RESOURCE_STATE: 409,
  MAINTENANCE_SLOT_TAKEN: 409,
  MAILBOX_FULL: 429,
  DUPLICATE_COMMAND_ID: 409,
  REQUEST_ID_TAKEN: 409,
  REQUEST_FORGOTTEN: 410,
  REQUEST_UNKNOWN: 404,
  PAYLOAD_KEY_NEEDED: 409,
  AGENT_BUSY: 429,
  TOO_MANY_IN_FLIGHT: 429,
  WEBHOOK_UNKNOWN: 404,
  TOO_MANY_WEBHOOKS: 409,
  MANAGER_UNAVAILABLE: 503,
  NOT_READY: 503,
  INTERNAL: 500,
};

describe("problems", () => {
  it.each(Object.entries(statuses))("%s - has status %i and a title", (code, status) => {
    const problem = problemOf(code as ProblemCode, "what to do");
    expect(problem).toMatchObject({ status, code, detail: "what to do" });
    expect(problem.type).toBe(`urn:muster:problem:${code}`);
    expect(problem.title.length).toBeGreaterThan(5);
  });

  it("the table - has no codes beside these", () => {
    expect(Object.keys(problems).sort()).toEqual(Object.keys(statuses).sort());
  });
});

describe("problemOfError", () => {
  it("a refusal - keeps its code, its message and where to go", () => {
    const refusal = new RequestRefusedError("AGENT_ELSEWHERE", "Ask the other one.", {
      apiUrl: "http://other:8251",
    });
    expect(problemOfError(refusal)).toMatchObject({
      status: 421,
      code: "AGENT_ELSEWHERE",
      detail: "Ask the other one.",
      apiUrl: "http://other:8251",
    });
    expect(problemOfError(new ApiError("NOT_READY", "Wait."))).toMatchObject({ status: 503 });
  });

  it.each([
    ["ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:5432"],
    ["57P01", "terminating connection due to administrator command"],
    ["", "Query read timeout"],
    ["", "timeout exceeded when trying to connect"],
  ])("a database that is away (%s, %s) - is unavailable", (code, message) => {
    const error = Object.assign(new Error(message), code === "" ? {} : { code });
    expect(problemOfError(error)).toMatchObject({ status: 503, code: "MANAGER_UNAVAILABLE" });
  });

  it("what nobody foresaw - is INTERNAL, and its message stays inside", () => {
    for (const error of [new Error("password is hunter2"), "hunter2", undefined]) {
      expect(knownProblem(error)).toBeUndefined();
      const problem = problemOfError(error);
      expect(problem).toMatchObject({ status: 500, code: "INTERNAL" });
      expect(JSON.stringify(problem)).not.toContain("hunter2");
    }
  });
});
