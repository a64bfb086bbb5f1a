import {
  ServiceError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { ApiError } from "./errors.ts";
import type { ProblemCode } from "./problems.ts";

/**
 * The refusal or the outage in an error of the Temporal client; undefined for anything else.
 * @param codeOf the problem's code for the type of a failure with which a workflow refuses.
 * @param outage what to say when there was no answer in time.
 */
export function problemIn(
  error: unknown,
  codeOf: (type: string) => ProblemCode | undefined,
  outage: string,
): ApiError | undefined {
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    if (!(cause instanceof ApplicationFailure)) return undefined;
    const code = codeOf(cause.type ?? "");
    return code === undefined ? undefined : new ApiError(code, cause.message, { cause: error });
  }
  const isOutage =
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || error instanceof ServiceError;
  return isOutage ? new ApiError("MANAGER_UNAVAILABLE", outage, { cause: error }) : undefined;
}
