/** The mailbox of an agent as plain JSON: it crosses continue-as-new as it is. */
import type { Answer, WireCommand } from "../api/index.ts";

/** Who waits for the Answers of a Request. */
export type Waiter =
  | { readonly type: "gateway"; readonly gatewayId: string }
  | { readonly type: "workflow"; readonly workflowId: string; readonly signal: string }
  /** The agent's own lifecycle: its evacuation of that number. */
  | { readonly type: "evacuation"; readonly no: number }
  /** The agent's own lifecycle: its recurring Request of that name. */
  | { readonly type: "recurring"; readonly name: string };

/** What a caller asked for, checked and with its defaults filled in. */
export interface RequestToAdmit {
  readonly requestId: string;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  readonly inSequence: boolean;
  readonly waitMs: number;
  readonly waiters: readonly Waiter[];
  /** Somebody wants to hear of each Answer as it comes. */
  readonly progress?: boolean;
}

/** An admitted Request without all of its Answers yet. */
export interface PendingRequest extends Omit<RequestToAdmit, "waiters" | "progress"> {
  readonly seq: number;
  /** Grows when the same Request is asked for again, by another gateway. */
  waiters: readonly Waiter[];
  /** Set for good when one of those who ask wants it. */
  progress?: boolean;
  readonly deadlineMs: number;
  readonly bytes: number;
  /** Sessions that it was given to and that did not give it back: empty means certainly not sent. */
  handedEpochs: number[];
  /** Answers that are there already, in the order of their Commands. */
  soFar?: readonly Answer[];
  soFarBytes?: number;
  /** Why it was cancelled when a session may have had it: told to each session that it is given to. */
  cancelled?: string;
}

/** A Request with its Answers, kept for a while so that asking again gives the same. */
export interface FinishedRequest {
  readonly requestId: string;
  readonly seq: number;
  readonly commands: readonly { readonly id: string; readonly type: string }[];
  readonly answers: readonly Answer[];
  readonly handed: boolean;
  readonly bytes: number;
  /** Absent in records of earlier releases, as is the next. */
  readonly admittedAtMs?: number;
  readonly settledAtMs?: number;
}

export interface MailboxState {
  nextSeq: number;
  /** In `seq` order. */
  pending: PendingRequest[];
  /** Oldest first. */
  finished: FinishedRequest[];
  /** When the newest of the finished Requests that are not known any more was admitted; absent while none was forgotten. */
  forgottenUpToMs?: number;
}

/**
 * Bounds of one agent's mailbox. Pending and finished Requests together cross continue-as-new as one payload, which
 * Temporal refuses above 2 MiB. Those of one Command and one Request are `payloadLimits` of `muster/api`.
 */
export const mailboxLimits = {
  pending: 1_000,
  pendingBytes: 768 * 1024,
  /** Answers that are there while their Requests go on, of all Requests together. */
  soFarBytes: 192 * 1024,
  finished: 1_000,
  finishedBytes: 256 * 1024,
  /** How long a finished Request is known at most. */
  finishedForMs: 86_400_000,
  /** Answers of one Request that are kept whole; the largest of more become errors that say so. */
  keptAnswersBytes: 128 * 1024,
  /** What is handed to a gateway at once. */
  batch: 100,
  batchBytes: 256 * 1024,
} as const;

/** A Request as a gateway gets it to write to the socket. */
export interface RequestToDeliver {
  readonly requestId: string;
  readonly seq: number;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  readonly inSequence: boolean;
  readonly after?: { readonly seq: number; readonly withinMs: number };
  readonly alsoAfter?: readonly { readonly seq: number; readonly withinMs: number }[];
  /** It was certainly given to no session before, nor was one with a later number. */
  readonly fresh?: boolean;
  /** The first session that may have had it before; -1: one that is not remembered. */
  readonly firstHandedEpoch?: number;
  readonly waitMs: number;
  readonly progress?: boolean;
  readonly cancelled?: string;
}

/** An empty mailbox whose first Request gets `nextSeq`. */
export function emptyMailbox(nextSeq = 1): MailboxState {
  return { nextSeq, pending: [], finished: [] };
}
