/** How Requests in a mailbox get their Answers: from the agent, from the clock, from an operator. Each gets them once. */
import type { Answer, ErrorAnswer, Outcome, WireCommand } from "../api/index.ts";
import { isFinished, sizeOf } from "./mailbox.ts";
import { mailboxLimits } from "./mailbox-types.ts";
import type { FinishedRequest, MailboxState, PendingRequest, Waiter } from "./mailbox-types.ts";

/** A Request that just got its Answers, and who waits for them. */
export interface Settled {
  readonly request: FinishedRequest;
  /** Whole, also where they are too large to be kept. */
  readonly answers: readonly Answer[];
  readonly waiters: readonly Waiter[];
}

export type AnswerOutcome =
  | ({ readonly type: "settled" } & Settled)
  /** It had its Answers before: the first ones stand. */
  | { readonly type: "late" }
  /** None of the Answers belongs to a Command of that Request. */
  | { readonly type: "foreign"; readonly reason: string };

/**
 * Settles a Request by the agent's Answers, matched by Command id. A Command without one gets an Answer that says so;
 * Answers to Commands that are not of this Request are dropped.
 */
export function settleByAnswer(
  mailbox: MailboxState,
  seq: number,
  answers: readonly Answer[],
): AnswerOutcome {
  const request = mailbox.pending.find((pending) => pending.seq === seq);
  if (request === undefined) return { type: "late" };
  const byCommand = new Map(answers.map((answer) => [answer.commandId, answer]));
  if (!request.commands.some((command) => byCommand.has(command.id))) {
    return { type: "foreign", reason: `no Answer belongs to a Command of Request ${seq}` };
  }
  const complete = request.commands.map(
    (command) =>
      byCommand.get(command.id) ??
      errorAnswer(
        command,
        "unknown",
        "ANSWER_MISSING",
        "The agent answered the Request without an Answer to this Command. Look at the resource before sending it again.",
      ),
  );
  return { type: "settled", ...settle(mailbox, request, complete) };
}

/**
 * Settles every Request whose wait is over: `notSent` when no session ever had it, else `unknown`, in order.
 */
export function settleExpired(mailbox: MailboxState, nowMs: number): readonly Settled[] {
  return mailbox.pending
    .filter((request) => request.deadlineMs <= nowMs)
    .map((request) =>
      settleUnanswered(
        mailbox,
        request,
        isSent(request) ? "NO_ANSWER_IN_TIME" : "NOT_DELIVERED_IN_TIME",
        isSent(request)
          ? `No Answer came within ${request.waitMs} ms. The Command may or may not have run: look at the resource.`
          : `The agent could not be reached within ${request.waitMs} ms. Nothing was sent.`,
      ),
    );
}

/** Settles everything that waits: the agent is removed. */
export function settleRemoved(mailbox: MailboxState): readonly Settled[] {
  return [...mailbox.pending].map((request) =>
    settleUnanswered(
      mailbox,
      request,
      "AGENT_REMOVED",
      isSent(request)
        ? "The agent was removed before it answered. The Command may or may not have run."
        : "The agent was removed before the Command was sent.",
    ),
  );
}

export type CancelOutcome =
  /** Nobody had it yet: settled `notSent`. */
  | ({ readonly type: "cancelled" } & Settled)
  /** A session has it: the agent must be asked. */
  | { readonly type: "ask"; readonly request: PendingRequest }
  | { readonly type: "settled" }
  | { readonly type: "unknown" };

/** Cancels a Request. */
export function cancel(mailbox: MailboxState, requestId: string, reason: string): CancelOutcome {
  const request = mailbox.pending.find((one) => one.requestId === requestId);
  if (request === undefined) {
    const finished = mailbox.finished.some((one) => one.requestId === requestId);
    return { type: finished ? "settled" : "unknown" };
  }
  if (isSent(request)) return { type: "ask", request };
  return {
    type: "cancelled",
    ...settleUnanswered(
      mailbox,
      request,
      "CANCELLED",
      `Cancelled before it was sent: ${reason}. Nothing was run.`,
    ),
  };
}

/** Whether a session may have the Request. */
export function isSent(request: PendingRequest | FinishedRequest): boolean {
  return isFinished(request) ? request.handed : request.handedEpochs.length > 0;
}

/** The Answer to a Command that something other than its resource ended. */
function errorAnswer(
  command: Pick<WireCommand, "id">,
  outcome: Exclude<Outcome, "done">,
  errorCode: string,
  details: string,
): ErrorAnswer {
  return { type: "ErrorAnswer", commandId: command.id, result: false, outcome, errorCode, details };
}

function settleUnanswered(
  mailbox: MailboxState,
  request: PendingRequest,
  errorCode: string,
  details: string,
): Settled {
  const outcome = isSent(request) ? "unknown" : "notSent";
  return settle(
    mailbox,
    request,
    request.commands.map((command) => errorAnswer(command, outcome, errorCode, details)),
  );
}

function settle(
  mailbox: MailboxState,
  request: PendingRequest,
  answers: readonly Answer[],
): Settled {
  mailbox.pending = mailbox.pending.filter((other) => other !== request);
  const commands = request.commands.map(({ id, type }) => ({ id, type }));
  const kept = sizeOf(answers) > mailboxLimits.finishedBytes / 2 ? answers.map(trimmed) : answers;
  const finished: FinishedRequest = {
    requestId: request.requestId,
    seq: request.seq,
    commands,
    answers: kept,
    handed: isSent(request),
    bytes: sizeOf(commands) + sizeOf(kept),
  };
  mailbox.finished.push(finished);
  forgetOldest(mailbox);
  return { request: finished, answers, waiters: request.waiters };
}

/** An Answer too large to be kept, without the fields of its type. The caller who waited got it whole. */
function trimmed(answer: Answer): Answer {
  const { type, commandId, result, outcome, errorCode } = answer;
  return {
    type,
    commandId,
    result,
    ...(outcome !== undefined && { outcome }),
    ...(errorCode !== undefined && { errorCode }),
    details: "The Answer was too large to be kept whole; only its caller saw it.",
  };
}

function forgetOldest(mailbox: MailboxState): void {
  let bytes = mailbox.finished.reduce((sum, one) => sum + one.bytes, 0);
  let forgotten = 0;
  while (
    mailbox.finished.length - forgotten > 1 &&
    (mailbox.finished.length - forgotten > mailboxLimits.finished ||
      bytes > mailboxLimits.finishedBytes)
  ) {
    bytes -= mailbox.finished[forgotten]?.bytes ?? 0;
    forgotten++;
  }
  if (forgotten > 0) mailbox.finished.splice(0, forgotten);
}
