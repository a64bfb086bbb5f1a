import { traitsOf, type Answer, type WireCommand } from "../api/index.ts";
import { AgentManagerError, type ManagerErrorCode } from "./errors.ts";

/** What is asked of a gateway. */
export interface CallRequest {
  /** `send`: the durable lane; `ask`: the direct one. */
  readonly method: "send" | "ask";
  readonly agentId: string;
  readonly commands: readonly WireCommand[];
  readonly onError?: "stop" | "continue";
  readonly waitSeconds?: number;
  readonly requestId?: string;
}

/** A call that waits for its Answers, over one connection or several. */
export interface Call {
  readonly id: number;
  readonly request: CallRequest;
  /** When the caller stops waiting, on this process's monotonic clock. */
  readonly waitOverMs: number;
  /** The connection that it was written to last is the one that is open now. */
  onWire: boolean;
  /** It may have reached a gateway at some time. */
  wasSent: boolean;
  readonly settle: (answers: readonly Answer[]) => void;
  readonly fail: (error: AgentManagerError) => void;
}

/** How long the caller of a Request waits: what it said, else the longest of its Commands' own waits. */
export function waitMsOf({ waitSeconds, commands }: CallRequest): number {
  return (
    1_000 * (waitSeconds ?? Math.max(...commands.map(({ type }) => traitsOf(type).waitSeconds)))
  );
}

/** Ends a call without Answers; whether it can have taken effect follows from whether it was sent. */
export function abandon(call: Call, code: ManagerErrorCode, why: string, cause?: unknown): void {
  const { requestId } = call.request;
  const outcome = call.wasSent ? "unknown" : "notSent";
  const what = call.wasSent
    ? requestId === undefined
      ? "It may have been carried out."
      : `It may have been carried out: ask what became of request ${requestId}.`
    : "It was not sent.";
  call.fail(new AgentManagerError(code, outcome, `${why} ${what}`, { cause, requestId }));
}
