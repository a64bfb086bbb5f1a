/**
 * What became of a Command (DESIGN §7). `done`: the resource ran it, `result` says with what success.
 * `notSent`: it certainly took no effect. `unknown`: it may or may not have. The last two are never mixed up.
 */
export type Outcome = "done" | "notSent" | "unknown";

/** The one reply to a Command. Plain data; crosses the wire as JSON with `type` as its tag. */
export interface Answer {
  readonly type: string;
  /** The Command it replies to. Filled in by the agent container. */
  readonly commandId: string;
  /** Whether the Command succeeded. */
  readonly result: boolean;
  /** For people: what happened, and when it failed what to do. */
  readonly details?: string;
  /** Absent means `done`. */
  readonly outcome?: Outcome;
  /** Stable machine-readable reason when `result` is false, such as `VM_NOT_FOUND`. */
  readonly errorCode?: string;
}

/** What a ServerResource returns: an Answer before the container puts the Command's id on it. */
export type ResourceAnswer<A extends Answer = Answer> = A extends Answer
  ? Omit<A, "commandId">
  : never;

/** No resource of the agent maps the Command's type. */
export interface UnsupportedAnswer extends Answer {
  readonly type: "UnsupportedAnswer";
  readonly result: false;
}

/** An earlier Command of the same Request failed and the caller asked to stop there. */
export interface StoppedByPreviousFailureAnswer extends Answer {
  readonly type: "StoppedByPreviousFailureAnswer";
  readonly result: false;
  readonly outcome: "notSent";
}

/** Something other than the resource's own Answer ended the Command; `outcome` says what is known. */
export interface ErrorAnswer extends Answer {
  readonly type: "ErrorAnswer";
  readonly result: false;
  readonly errorCode: string;
  readonly details: string;
}

/** What a resource returns for a Command type that it does not map. */
export function unsupported(command: { readonly type: string }): ResourceAnswer<UnsupportedAnswer> {
  return {
    type: "UnsupportedAnswer",
    result: false,
    errorCode: "UNSUPPORTED_COMMAND",
    details: `No resource of this agent maps the Command type ${command.type}.`,
  };
}

/** What a resource returns when a Command failed. `type` is the Answer type of the Command. */
export function failed<T extends string>(
  type: T,
  errorCode: string,
  details: string,
): { type: T; result: false; errorCode: string; details: string } {
  return { type, result: false, errorCode, details };
}
