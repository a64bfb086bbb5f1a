/**
 * What a refused handshake means for the Status of an agent that is registered and has proven who it is (DESIGN §5,
 * "handshake refused or failed"). Pure.
 */
import type { ResourceState, Status } from "../api/index.ts";
import { isOutOfService } from "./disconnect.ts";
import { isLost, nextStatus } from "./status-table.ts";

/** Why a gateway did not admit the agent. */
export interface HandshakeRefused {
  readonly code: string;
  /** What is wrong and what to change. */
  readonly details: string;
  /** It may be admitted later though nobody changes anything. */
  readonly retryable: boolean;
}

export type RefusalDecision =
  | { readonly type: "ignored"; readonly reason: string }
  /** Only the event log hears of it. */
  | { readonly type: "noted"; readonly text: string }
  /** The agent is lost because of how it is set up: the disconnect decision is told so, with `details`. */
  | { readonly type: "setUpWrong"; readonly details: string };

/**
 * Decides what a refused handshake means.
 * @param input.standing `details` of the refusal that decided last about this loss; the same again says nothing new.
 */
export function decideRefusal(input: {
  readonly status: Status;
  readonly resourceState: ResourceState;
  readonly refusal: HandshakeRefused;
  readonly standing?: string | undefined;
}): RefusalDecision {
  const { status, resourceState, refusal } = input;
  if (status === "Removed") return { type: "ignored", reason: "the agent is removed" };
  const reason = `refused (${refusal.code}): ${refusal.details}`;
  if (input.standing === reason) return { type: "ignored", reason: "it was refused so before" };
  const noted = (why: string): RefusalDecision => ({ type: "noted", text: `${reason} [${why}]` });
  if (!isLost(status)) return noted(`its present session goes on: ${status}`);
  if (refusal.retryable) return noted("it may try again");
  if (isOutOfService(resourceState)) return noted(`the resource is ${resourceState}`);
  // Down was proven and is acted upon by now; that the agent dials is for people to see, not to undo it.
  if (status === "Down") return noted("the agent dials, though its host was found Down");
  if (nextStatus(status, "WaitedTooLong") === undefined) return noted(`Status ${status} stays`);
  return { type: "setUpWrong", details: reason };
}
