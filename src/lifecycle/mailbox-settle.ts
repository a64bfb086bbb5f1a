/** How Requests in a mailbox get their Answers: from the agent, from the clock, from an operator. Each gets them once. */
import type { Answer, ErrorAnswer, Outcome, WireCommand } from "../api/index.ts";
import { fitAnswers } from "./fit-answers.ts";
import { isFinished } from "./mailbox.ts";
import { mailboxLimits } from "./mailbox-types.ts";
import type { FinishedRequest, MailboxState, PendingRequest, Waiter } from "./mailbox-types.ts";
import { sizeOf } from "./size-of.ts";

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
 * Settles a Request by the agent's Answers, matched by Command id. A Command without one gets the Answer that was there
 * while the Request went on, or one that says that it is missing; Answers to Commands that are not of this Request are
 * dropped.
 */
export function settleByAnswer(
  mailbox: MailboxState,
  seq: number,
  answers: readonly Answer[],
  nowMs: number,
): AnswerOutcome {
  const request = mailbox.pending.find((pending) => pending.seq === seq);
  if (request === undefined) return { type: "late" };
  const byCommand = new Map(answers.map((answer) => [answer.commandId, answer]));
  if (!request.commands.some((command) => byCommand.has(command.id))) {
    return { type: "foreign", reason: `no Answer belongs to a Command of Request ${seq}` };
  }
  const soFar = answersSoFar(request);
  const complete = request.commands.map(
    (command) =>
      byCommand.get(command.id) ??
      soFar.get(command.id) ??
      errorAnswer(
        command,
        "unknown",
        "ANSWER_MISSING",
        "The agent answered the Request without an Answer to this Command. Look at the resource before sending it again.",
      ),
  );
  return { type: "settled", ...settle(mailbox, request, complete, nowMs) };
}

/**
 * Notes Answers that are there while their Request goes on: the first one for each Command stands. Those that find no
 * room are left out, as if they had not come: the Response brings them again.
 * @returns whether the Request is still pending.
 */
export function noteProgress(
  mailbox: MailboxState,
  seq: number,
  answers: readonly Answer[],
): boolean {
  const request = mailbox.pending.find((pending) => pending.seq === seq);
  if (request === undefined) return false;
  const soFar = answersSoFar(request);
  const isOwn = new Set(request.commands.map(({ id }) => id));
  let room =
    mailboxLimits.soFarBytes -
    mailbox.pending.reduce((sum, { soFarBytes = 0 }) => sum + soFarBytes, 0);
  let bytes = request.soFarBytes ?? 0;
  for (const answer of answers) {
    if (!isOwn.has(answer.commandId) || soFar.has(answer.commandId)) continue;
    const size = sizeOf(answer);
    if (size > room) continue;
    room -= size;
    bytes += size;
    soFar.set(answer.commandId, answer);
  }
  request.soFar = request.commands.flatMap(({ id }) => soFar.get(id) ?? []);
  request.soFarBytes = bytes;
  return true;
}

/**
 * Settles every Request whose wait is over, in order. Answers that are there stand; the other Commands get `notSent` when
 * no session ever had the Request, else `unknown`.
 */
export function settleExpired(mailbox: MailboxState, nowMs: number): readonly Settled[] {
  return mailbox.pending
    .filter((request) => request.deadlineMs <= nowMs)
    .map((request) =>
      settleUnanswered(
        mailbox,
        request,
        nowMs,
        isSent(request) ? "NO_ANSWER_IN_TIME" : "NOT_DELIVERED_IN_TIME",
        isSent(request)
          ? `No Answer came within ${request.waitMs} ms. The Command may or may not have run: look at the resource.`
          : `The agent could not be reached within ${request.waitMs} ms. Nothing was sent.`,
      ),
    );
}

/** Settles everything that waits: the agent is removed. */
export function settleRemoved(mailbox: MailboxState, nowMs: number): readonly Settled[] {
  return [...mailbox.pending].map((request) =>
    settleUnanswered(
      mailbox,
      request,
      nowMs,
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

/** Cancels a Request that nobody had yet. */
export function cancel(
  mailbox: MailboxState,
  requestId: string,
  reason: string,
  nowMs: number,
): CancelOutcome {
  const request = mailbox.pending.find((one) => one.requestId === requestId);
  if (request === undefined) {
    const finished = mailbox.finished.some((one) => one.requestId === requestId);
    return { type: finished ? "settled" : "unknown" };
  }
  if (isSent(request)) return { type: "ask", request };
  return { type: "cancelled", ...settleCancelled(mailbox, request, reason, nowMs) };
}

/**
 * Settles the Requests that were cancelled while a session may have had them, and that have come back since: certainly
 * not sent.
 */
export function settleReturned(mailbox: MailboxState, nowMs: number): readonly Settled[] {
  return mailbox.pending.flatMap((request) =>
    request.cancelled === undefined || isSent(request)
      ? []
      : settleCancelled(mailbox, request, request.cancelled, nowMs),
  );
}

function settleCancelled(
  mailbox: MailboxState,
  request: PendingRequest,
  reason: string,
  nowMs: number,
): Settled {
  const details = `Cancelled before it was sent: ${reason}. Nothing was run.`;
  return settleUnanswered(mailbox, request, nowMs, "CANCELLED", details);
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

function answersSoFar({ soFar = [] }: PendingRequest): Map<string, Answer> {
  return new Map(soFar.map((answer) => [answer.commandId, answer]));
}

/** Answers that are there stand; the other Commands get an error Answer. */
function settleUnanswered(
  mailbox: MailboxState,
  request: PendingRequest,
  nowMs: number,
  errorCode: string,
  details: string,
): Settled {
  const outcome = isSent(request) ? "unknown" : "notSent";
  const soFar = answersSoFar(request);
  const answers = request.commands.map(
    (command) => soFar.get(command.id) ?? errorAnswer(command, outcome, errorCode, details),
  );
  return settle(mailbox, request, answers, nowMs);
}

function settle(
  mailbox: MailboxState,
  request: PendingRequest,
  answers: readonly Answer[],
  nowMs: number,
): Settled {
  mailbox.pending = mailbox.pending.filter((other) => other !== request);
  const { requestId, seq, waiters } = request;
  const commands = request.commands.map(({ id, type }) => ({ id, type }));
  const kept = fitAnswers(answers, mailboxLimits.keptAnswersBytes);
  const finished: FinishedRequest = {
    requestId,
    seq,
    commands,
    answers: kept,
    handed: isSent(request),
    bytes: sizeOf({ requestId, commands, answers: kept }),
    admittedAtMs: request.deadlineMs - request.waitMs,
    settledAtMs: nowMs,
  };
  mailbox.finished.push(finished);
  return { request: finished, answers, waiters };
}
