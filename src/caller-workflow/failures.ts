import { ActivityFailure, ApplicationFailure } from "@temporalio/common";

/** Whether a Command without an Answer can have taken effect. */
export type UnansweredOutcome = "notSent" | "unknown";

/**
 * A Request was refused, or its Answers can't be had. Not caught, it fails the workflow. A Command that failed on its host is
 * none: it has an Answer.
 */
export class CommandFailure extends ApplicationFailure {
  /** Stable: a refusal of docs/CLIENT-API.md, or NOT_ADMITTED (not within `admitWithinSeconds`). Also the failure's `type`. */
  readonly code: string;
  readonly outcome: UnansweredOutcome;
  readonly agentId: string;
  readonly requestId: string;

  constructor(
    code: string,
    outcome: UnansweredOutcome,
    message: string,
    request: { readonly agentId: string; readonly requestId: string },
    cause?: Error,
  ) {
    const { agentId, requestId } = request;
    super(message, code, true, [{ outcome, agentId, requestId }], cause);
    this.code = code;
    this.outcome = outcome;
    this.agentId = agentId;
    this.requestId = requestId;
  }
}

/** What an activity gives as the first detail of a failure. */
export function outcomeIn(detail: unknown): UnansweredOutcome {
  return (detail as { readonly outcome?: unknown } | undefined)?.outcome === "notSent"
    ? "notSent"
    : "unknown";
}

/** The failure that a caller gets for one of an activity: a CommandFailure for a refusal, else itself. */
export function refusalOf(
  error: unknown,
  request: { readonly agentId: string; readonly requestId: string },
): unknown {
  // That of a local activity comes as it is.
  const failure = error instanceof ActivityFailure ? error.cause : error;
  if (!(failure instanceof ApplicationFailure) || failure.nonRetryable !== true) return error;
  const { type, message, details } = failure;
  const [detail] = details ?? [];
  return new CommandFailure(
    type ?? "INTERNAL",
    outcomeIn(detail),
    message,
    request,
    error as Error,
  );
}
