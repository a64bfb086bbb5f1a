/** The mailbox of an agent as plain JSON: it crosses continue-as-new as it is. */
import type { Answer, WireCommand } from "../api/index.ts";

/** Who waits for the Answers of a Request. */
export type Waiter =
  | { readonly type: "gateway"; readonly gatewayId: string }
  | { readonly type: "workflow"; readonly workflowId: string; readonly signal: string }
  /** The agent's own lifecycle: its evacuation of that number. */
  | { readonly type: "evacuation"; readonly no: number };

/** What a caller asked for, checked and with its defaults filled in. */
export interface RequestToAdmit {
  readonly requestId: string;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  readonly inSequence: boolean;
  readonly waitMs: number;
  readonly waiters: readonly Waiter[];
}

/** An admitted Request without its Answers yet. */
export interface PendingRequest extends Omit<RequestToAdmit, "waiters"> {
  readonly seq: number;
  /** Grows when the same Request is asked for again, by another gateway. */
  waiters: readonly Waiter[];
  readonly deadlineMs: number;
  readonly bytes: number;
  /** Sessions that it was given to and that did not give it back: empty means certainly not sent. */
  handedEpochs: number[];
  /** Sessions that it was given to more than once: that one try was not written says nothing of the others. */
  handedAgainEpochs?: number[];
}

/** A Request with its Answers, kept for a while so that asking again gives the same. */
export interface FinishedRequest {
  readonly requestId: string;
  readonly seq: number;
  readonly commands: readonly { readonly id: string; readonly type: string }[];
  readonly answers: readonly Answer[];
  readonly handed: boolean;
  readonly bytes: number;
}

export interface MailboxState {
  nextSeq: number;
  /** In `seq` order. */
  pending: PendingRequest[];
  /** Oldest first. */
  finished: FinishedRequest[];
}

/**
 * Bounds of one agent's mailbox. Pending and finished Requests together cross continue-as-new as one payload, which
 * Temporal refuses above 2 MiB.
 */
export const mailboxLimits = {
  pending: 1_000,
  pendingBytes: 768 * 1024,
  requestBytes: 512 * 1024,
  finished: 1_000,
  finishedBytes: 256 * 1024,
} as const;

/** A Request as a gateway gets it to write to the socket. */
export interface RequestToDeliver {
  readonly requestId: string;
  readonly seq: number;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  readonly inSequence: boolean;
  readonly after?: { readonly seq: number; readonly withinMs: number };
  readonly waitMs: number;
}

/** An empty mailbox whose first Request gets `nextSeq`. */
export function emptyMailbox(nextSeq = 1): MailboxState {
  return { nextSeq, pending: [], finished: [] };
}
