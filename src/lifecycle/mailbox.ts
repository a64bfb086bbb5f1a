/**
 * The mailbox of an agent: Requests from admission to their Answers (DESIGN §7). Each admitted Command gets exactly one
 * Answer. The functions change the state in place and nothing else; `nowMs` is an argument.
 */
import { payloadLimits } from "../api/index.ts";
import { isForgotten } from "./mailbox-memory.ts";
import { mailboxLimits } from "./mailbox-types.ts";
import type {
  FinishedRequest,
  MailboxState,
  PendingRequest,
  RequestToAdmit,
  Waiter,
} from "./mailbox-types.ts";
import { sizeOf } from "./size-of.ts";

/** Why a Request cannot be admitted, with what to change. */
export interface MailboxRefusal {
  readonly code: "MAILBOX_FULL" | "INVALID_REQUEST" | "DUPLICATE_COMMAND_ID" | "REQUEST_FORGOTTEN";
  readonly message: string;
}

/** Callers that may wait for one Request: each asking again from another place adds one, the newest count. */
const waitersMax = 5;

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

/**
 * Why a new Request would be refused; undefined when `admit` may follow. Changes nothing.
 * @param repeatAgoMs how long ago its id was used for the first time, where this is a repetition.
 */
export function refusalOf(
  mailbox: MailboxState,
  request: Pick<RequestToAdmit, "requestId" | "commands">,
  nowMs: number,
  repeatAgoMs?: number,
): MailboxRefusal | undefined {
  if (isForgotten(mailbox, nowMs, repeatAgoMs)) {
    return refusal(
      "REQUEST_FORGOTTEN",
      `Request ${request.requestId} was sent so long ago that its record may be gone: it may have run. Look at the resource, then send what is left to do with a new request id.`,
    );
  }
  const tooLarge = tooLargeOf(request);
  if (tooLarge !== undefined) return refusal("INVALID_REQUEST", tooLarge);
  const duplicate = duplicateCommandId(mailbox, request);
  if (duplicate !== undefined) {
    return refusal(
      "DUPLICATE_COMMAND_ID",
      `A Command with id ${duplicate} was sent before. Give every Command an id of its own.`,
    );
  }
  const waitingBytes = pendingBytes(mailbox);
  if (
    mailbox.pending.length >= mailboxLimits.pending ||
    waitingBytes + sizeOf(request.commands) > mailboxLimits.pendingBytes
  ) {
    return refusal(
      "MAILBOX_FULL",
      `${mailbox.pending.length} Requests of ${waitingBytes} bytes wait for this agent already. Send again when some are answered.`,
    );
  }
  return undefined;
}

function tooLargeOf({ commands }: Pick<RequestToAdmit, "commands">): string | undefined {
  const { commandBytes, requestBytes } = payloadLimits;
  let bytes = 0;
  for (const command of commands) {
    const own = sizeOf(command);
    if (own > commandBytes) {
      return `The Command ${command.type} has ${own} bytes; ${commandBytes} is the most. Send less in it, or where to fetch it.`;
    }
    bytes += own;
  }
  if (bytes <= requestBytes) return undefined;
  return `The Request has ${bytes} bytes; ${requestBytes} is the most. Send fewer or smaller Commands.`;
}

function duplicateCommandId(
  mailbox: MailboxState,
  request: Pick<RequestToAdmit, "commands">,
): string | undefined {
  const ids = new Set<string>();
  for (const { id } of request.commands) {
    if (ids.has(id)) return id;
    ids.add(id);
  }
  for (const requests of [mailbox.pending, mailbox.finished]) {
    for (const { commands } of requests) {
      for (const { id } of commands) if (ids.has(id)) return id;
    }
  }
  return undefined;
}

function pendingBytes(mailbox: MailboxState): number {
  return mailbox.pending.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Records a Request, which `refusalOf` must have let pass, and gives it its place in the order. */
export function admit(
  mailbox: MailboxState,
  request: RequestToAdmit,
  nowMs: number,
): PendingRequest {
  const { requestId, commands, waiters } = request;
  const pending: PendingRequest = {
    ...request,
    seq: mailbox.nextSeq++,
    deadlineMs: nowMs + request.waitMs,
    bytes: sizeOf({ requestId, commands, waiters }),
    handedEpochs: [],
  };
  mailbox.pending.push(pending);
  return pending;
}

/** Notes that a pending Request was asked for again, by others or in another way. */
export function join(
  request: PendingRequest,
  more: Pick<RequestToAdmit, "waiters" | "progress">,
): void {
  const known = new Set(request.waiters.map((waiter) => JSON.stringify(waiter)));
  const isNew = (waiter: Waiter) => !known.has(JSON.stringify(waiter));
  request.waiters = [...request.waiters, ...more.waiters.filter(isNew)].slice(-waitersMax);
  if (more.progress === true) request.progress = true;
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
