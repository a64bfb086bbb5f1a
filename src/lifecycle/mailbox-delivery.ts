/** How pending Requests get to sessions: each is given to each session once, in order, in bounded batches. */
import { firstWithin } from "./first-within.ts";
import { mailboxLimits } from "./mailbox-types.ts";
import type { MailboxState, PendingRequest, RequestToDeliver } from "./mailbox-types.ts";

/** Sessions that a Request remembers by their epoch; an agent that reconnects for days must not fill the memory. */
const handedEpochsMax = 8;
/** Stands for a handing over that nobody can give back: it is no epoch. */
const forGood = -1;
/** Later than any epoch: given to no session yet. */
const noSession = Number.MAX_SAFE_INTEGER;

/**
 * Notes that a Request was given to the gateway that holds session `epoch`. One that is given to the same session again
 * may have been written the first time, whatever becomes of the second.
 */
export function markHanded(request: PendingRequest, epoch: number): void {
  const others = request.handedEpochs.filter((handed) => handed !== epoch && handed !== forGood);
  const isAgain = request.handedEpochs.includes(epoch);
  const wasForGood = request.handedEpochs.includes(forGood);
  const newest = others.slice(1 - handedEpochsMax);
  const left = isAgain || wasForGood || newest.length < others.length;
  request.handedEpochs = [...(left ? [forGood] : []), ...newest, epoch];
}

/** The gateway says that these Requests were certainly not written to the socket of session `epoch`. */
export function markUndelivered(
  mailbox: MailboxState,
  epoch: number,
  seqs: readonly number[],
): void {
  const undelivered = new Set(seqs);
  for (const request of mailbox.pending) {
    if (undelivered.has(request.seq)) {
      request.handedEpochs = request.handedEpochs.filter((handed) => handed !== epoch);
    }
  }
}

/** Pending Requests that session `epoch` must be given, in order: those that it was not given yet, and those of `again`. */
export function dueForDelivery(
  mailbox: MailboxState,
  epoch: number,
  again: readonly number[] = [],
): readonly PendingRequest[] {
  const seqs = new Set(again);
  return mailbox.pending.filter(
    ({ seq, handedEpochs }) => seqs.has(seq) || !handedEpochs.includes(epoch),
  );
}

/** As many of the first Requests as may be handed over at once. */
export function firstBatch(due: readonly PendingRequest[]): readonly PendingRequest[] {
  const { batch: count, batchBytes: bytes } = mailboxLimits;
  return firstWithin(due, { count, bytes }, (request) => request.bytes);
}

/** In-sequence Requests that one may name as those to finish before it, beside the newest. */
const alsoAfterMax = 8;

/**
 * Pending Requests, in order, as they go to the agent. `after` is the newest in-sequence Request before each that still
 * waits: it may reach the agent later, by another way. Should it end without having reached the agent, others may wait
 * still: `alsoAfter` are those before it that may wait longer.
 */
export function toDeliver(
  mailbox: MailboxState,
  requests: readonly PendingRequest[],
  nowMs: number,
): readonly RequestToDeliver[] {
  const wanted = new Set(requests);
  const lastHandedSeq = mailbox.pending.findLast(wasHanded)?.seq ?? -1;
  const deliveries: RequestToDeliver[] = [];
  // The later, the sooner over: one that ends before a later one is over when that one is.
  const before: PendingRequest[] = [];
  for (const request of mailbox.pending) {
    if (wanted.delete(request)) deliveries.push(delivery(request, before, lastHandedSeq, nowMs));
    if (wanted.size === 0) break;
    if (!request.inSequence) continue;
    while ((before.at(-1)?.deadlineMs ?? Infinity) <= request.deadlineMs) before.pop();
    before.push(request);
  }
  return deliveries;
}

function wasHanded({ handedEpochs }: PendingRequest): boolean {
  return handedEpochs.length > 0;
}

/** @param before in-sequence Requests to finish before it, the nearest last. */
function delivery(
  request: PendingRequest,
  before: readonly PendingRequest[],
  lastHandedSeq: number,
  nowMs: number,
): RequestToDeliver {
  const { requestId, seq, commands, onError, inSequence, progress, cancelled } = request;
  const [after, ...alsoAfter] = before
    .map(({ seq: no, deadlineMs }) => ({ seq: no, withinMs: Math.max(0, deadlineMs - nowMs) }))
    .reverse();
  return {
    requestId,
    seq,
    commands,
    onError,
    inSequence,
    ...(inSequence && after !== undefined && { after }),
    ...(inSequence && alsoAfter.length > 0 && { alsoAfter: alsoAfter.slice(0, alsoAfterMax) }),
    // An agent with a damaged journal trusts that none of a later number came before a fresh one.
    ...(!wasHanded(request) && seq > lastHandedSeq
      ? { fresh: true }
      : { firstHandedEpoch: Math.min(noSession, ...request.handedEpochs) }),
    waitMs: Math.max(0, request.deadlineMs - nowMs),
    ...(progress !== undefined && { progress }),
    ...(cancelled !== undefined && { cancelled }),
  };
}
