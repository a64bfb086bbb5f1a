import { problems, type ProblemCode } from "./problems.ts";

/** The operator API does not do what was asked. Becomes problem details; `message` says what to change. */
export class ApiError extends Error {
  readonly code: ProblemCode;
  readonly statusCode: number;
  constructor(code: ProblemCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiError";
    this.code = code;
    this.statusCode = problems[code][0];
  }
}
