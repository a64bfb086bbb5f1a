/**
 * The mailbox of an agent: Requests from admission to their Answers (DESIGN §7). Each admitted Command gets exactly one
 * Answer. The functions change the state in place and nothing else; `nowMs` is an argument.
 */
import { mailboxLimits } from "./mailbox-types.ts";
import type {
  FinishedRequest,
  MailboxState,
  PendingRequest,
  RequestToAdmit,
  RequestToDeliver,
} from "./mailbox-types.ts";

/** Why a Request cannot be admitted, with what to change. */
export interface MailboxRefusal {
  readonly code: "MAILBOX_FULL" | "INVALID_REQUEST" | "DUPLICATE_COMMAND_ID";
  readonly message: string;
}

/** Size of a value as JSON in UTF-8, in bytes: what Temporal will store. */
export function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** The Request of that id, pending or among the last finished. */
export function findRequest(
  mailbox: MailboxState,
  requestId: string,
): PendingRequest | FinishedRequest | undefined {
  return (
    mailbox.pending.find((request) => request.requestId === requestId) ??
    mailbox.finished.findLast((request) => request.requestId === requestId)
  );
}

export function isFinished(request: PendingRequest | FinishedRequest): request is FinishedRequest {
  return "answers" in request;
}

/** Why a new Request would be refused; undefined when `admit` may follow. Changes nothing. */
export function refusalOf(
  mailbox: MailboxState,
  request: Pick<RequestToAdmit, "requestId" | "commands">,
): MailboxRefusal | undefined {
  const bytes = sizeOf(request.commands);
  if (bytes > mailboxLimits.requestBytes) {
    return refusal(
      "INVALID_REQUEST",
      `The Request has ${bytes} bytes; ${mailboxLimits.requestBytes} is the most. Send fewer or smaller Commands.`,
    );
  }
  const duplicate = duplicateCommandId(mailbox, request);
  if (duplicate !== undefined) {
    return refusal(
      "DUPLICATE_COMMAND_ID",
      `A Command with id ${duplicate} was sent before. Give every Command an id of its own.`,
    );
  }
  const pendingBytes = mailbox.pending.reduce((sum, one) => sum + one.bytes, 0);
  if (
    mailbox.pending.length >= mailboxLimits.pending ||
    pendingBytes + bytes > mailboxLimits.pendingBytes
  ) {
    return refusal(
      "MAILBOX_FULL",
      `${mailbox.pending.length} Requests of ${pendingBytes} bytes wait for this agent already. Send again when some are answered.`,
    );
  }
  return undefined;
}

function duplicateCommandId(
  mailbox: MailboxState,
  request: Pick<RequestToAdmit, "commands">,
): string | undefined {
  const ids = new Set<string>();
  for (const command of request.commands) {
    if (ids.has(command.id)) return command.id;
    ids.add(command.id);
  }
  for (const known of [...mailbox.pending, ...mailbox.finished]) {
    const same = known.commands.find((command) => ids.has(command.id));
    if (same !== undefined) return same.id;
  }
  return undefined;
}

/** Records a Request, which `refusalOf` must have let pass, and gives it its place in the order. */
export function admit(
  mailbox: MailboxState,
  request: RequestToAdmit,
  nowMs: number,
): PendingRequest {
  const pending: PendingRequest = {
    ...request,
    seq: mailbox.nextSeq++,
    deadlineMs: nowMs + request.waitMs,
    bytes: sizeOf(request.commands),
    handedEpochs: [],
  };
  mailbox.pending.push(pending);
  return pending;
}

/** Notes that a Request was given to the gateway that holds session `epoch`. */
export function markHanded(request: PendingRequest, epoch: number): void {
  if (!request.handedEpochs.includes(epoch)) request.handedEpochs.push(epoch);
  else if (request.handedAgainEpochs?.includes(epoch) !== true) {
    request.handedAgainEpochs = [...(request.handedAgainEpochs ?? []), epoch];
  }
}

/**
 * The gateway says that these Requests were certainly not written to the socket of session `epoch`, this time. One that
 * was given to the session before stays: it may have been written then.
 * @returns the numbers of those that stay.
 */
export function markUndelivered(
  mailbox: MailboxState,
  epoch: number,
  seqs: readonly number[],
): readonly number[] {
  const stay: number[] = [];
  for (const request of mailbox.pending) {
    if (!seqs.includes(request.seq)) continue;
    if (request.handedAgainEpochs?.includes(epoch) === true) stay.push(request.seq);
    else request.handedEpochs = request.handedEpochs.filter((handed) => handed !== epoch);
  }
  return stay;
}

/** Pending Requests that session `epoch` was not given yet, in order. */
export function notHandedTo(mailbox: MailboxState, epoch: number): readonly PendingRequest[] {
  return mailbox.pending.filter((request) => !request.handedEpochs.includes(epoch));
}

/**
 * A pending Request as it goes to the agent. `after` is the newest in-sequence Request before it that still waits: it
 * may reach the agent later, by another way.
 */
export function toDeliver(
  mailbox: MailboxState,
  request: PendingRequest,
  nowMs: number,
): RequestToDeliver {
  const before = request.inSequence
    ? mailbox.pending.findLast((other) => other.inSequence && other.seq < request.seq)
    : undefined;
  return {
    requestId: request.requestId,
    seq: request.seq,
    commands: request.commands,
    onError: request.onError,
    inSequence: request.inSequence,
    ...(before !== undefined && {
      after: { seq: before.seq, withinMs: Math.max(0, before.deadlineMs - nowMs) },
    }),
    waitMs: Math.max(0, request.deadlineMs - nowMs),
  };
}

/** When the next pending Request runs out of time; undefined when none waits. */
export function nextExpiryMs(mailbox: MailboxState): number | undefined {
  let nearest: number | undefined;
  for (const request of mailbox.pending) {
    if (nearest === undefined || request.deadlineMs < nearest) nearest = request.deadlineMs;
  }
  return nearest;
}

function refusal(code: MailboxRefusal["code"], message: string): MailboxRefusal {
  return { code, message };
}
