/** Pending Requests of callers: answered, cancelled, come back, run out of time (DESIGN §7). */
import { log, patched } from "@temporalio/workflow";
import { markUndelivered } from "../../lifecycle/mailbox-delivery.ts";
import {
  cancel,
  noteProgress,
  settleByAnswer,
  settleExpired,
  settleRemoved,
  settleReturned,
} from "../../lifecycle/mailbox-settle.ts";
import type { Settled } from "../../lifecycle/mailbox-settle.ts";
import type { PendingRequest } from "../../lifecycle/mailbox-types.ts";
import type {
  AnswerMessage,
  CancelMessage,
  CancelResult,
  ProgressMessage,
  UndeliveredMessage,
} from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import type { Errand } from "./errands.ts";
import { onOwnAnswers } from "./evacuation-news.ts";
import { onRecurringAnswers } from "./recurring.ts";

/** What is named in one event; a Request may have more Commands, and more Requests may end at once. */
const namedMax = 20;

/** The agent's Answers. Those to a Request that has its Answers already change nothing. */
export function onAnswer(agent: Agent, message: AnswerMessage): void {
  const { seq, answers } = message;
  const outcome = settleByAnswer(agent.state.mailbox, seq, answers, agent.nowMs);
  switch (outcome.type) {
    case "settled":
      tellWaiters(agent, outcome, message.gateway.gatewayId);
      return;
    case "late":
      agent.note("lateAnswer", `Answer to Request ${seq} came late: it changes nothing`, {
        seq,
        commandIds: answers.slice(0, namedMax).map((answer) => answer.commandId),
      });
      return;
    case "foreign":
      log.warn("answer ignored", { seq, reason: outcome.reason });
      agent.note("messageIgnored", `Answer ignored: ${outcome.reason}`, { seq });
      return;
  }
}

/** Answers that are there while their Request goes on. */
export function onProgress(agent: Agent, { seq, answers }: ProgressMessage): void {
  const pending = noteProgress(agent.state.mailbox, seq, answers);
  if (!pending) log.debug("progress of a settled Request ignored", { seq });
}

/** A gateway gives Requests back that it certainly did not write. */
export function onUndelivered(agent: Agent, message: UndeliveredMessage): void {
  takeBack(agent, message.epoch, message.seqs);
  log.info("requests came back undelivered", { seqs: message.seqs, reason: message.reason });
}

/** Requests were certainly not written in session `epoch`; one that was cancelled meanwhile is over. */
export function takeBack(agent: Agent, epoch: number, seqs: readonly number[]): void {
  const { mailbox } = agent.state;
  markUndelivered(mailbox, epoch, seqs);
  for (const settled of settleReturned(mailbox, agent.nowMs)) tellWaiters(agent, settled);
}

/**
 * Cancels a Request; one that the agent may be running is cancelled by asking the agent, now or when it is back.
 * Cancelling twice is cancelling once.
 */
export function onCancel(agent: Agent, message: CancelMessage): CancelResult {
  const { requestId, reason } = message;
  const outcome = cancel(agent.state.mailbox, requestId, reason, agent.nowMs);
  switch (outcome.type) {
    case "settled":
    case "unknown":
      return outcome.type;
    case "cancelled":
      noteCancelled(agent, outcome.request.seq, message);
      tellWaiters(agent, outcome);
      return "cancelled";
    case "ask": {
      const { request } = outcome;
      const again = request.cancelled !== undefined;
      // Histories from before a cancel was remembered.
      if (patched("cancel-remembered")) {
        if (again) return "asked";
        request.cancelled = reason;
      }
      noteCancelled(agent, request.seq, message);
      askToCancel(agent, request, reason);
      return "asked";
    }
  }
}

function noteCancelled(agent: Agent, seq: number, { requestId, reason }: CancelMessage): void {
  agent.note("requestCancelled", `Request ${seq} cancelled: ${reason}`, { requestId });
}

function askToCancel(agent: Agent, { seq }: PendingRequest, reason: string): void {
  const { session } = agent.state;
  if (session === null) return;
  const { gatewayId, epoch } = session;
  agent.send({ type: "cancelRequest", gatewayId, epoch, seq, reason });
}

/**
 * The gateway could not be told to cancel a Request. As long as the session lasts it is told again; a later session is
 * told with the Request itself.
 */
export function onCancelNotTold(agent: Agent, errand: Errand & { type: "cancelRequest" }): void {
  const { session, mailbox } = agent.state;
  if (session?.epoch !== errand.epoch) return;
  const request = mailbox.pending.find(({ seq }) => seq === errand.seq);
  if (request?.cancelled !== undefined) askToCancel(agent, request, request.cancelled);
}

/** Settles what has run out of time. */
export function expireRequests(agent: Agent): void {
  const expired = settleExpired(agent.state.mailbox, agent.nowMs);
  // One event each for a crowd would push older events out before they are written. Histories from before have them.
  const inOne = expired.length > namedMax && patched("expired-in-one-event");
  if (inOne) {
    const sent = expired.filter(({ request }) => request.handed).length;
    const fates = `${sent} of them may have run, the others were not sent`;
    agent.note("requestExpired", `${expired.length} Requests ran out of time: ${fates}`, {
      count: expired.length,
      requestIds: expired.slice(0, namedMax).map(({ request }) => request.requestId),
    });
  }
  for (const settled of expired) {
    if (!inOne) noteExpired(agent, settled);
    tellWaiters(agent, settled);
  }
}

function noteExpired(agent: Agent, { request, answers }: Settled): void {
  const { seq, requestId, handed } = request;
  const there = answers.filter(({ outcome }) => (outcome ?? "done") === "done").length;
  const rest = handed ? "unknown whether it ran" : "not sent";
  const fate = there === 0 ? rest : `${there} of ${answers.length} Commands were done`;
  agent.note("requestExpired", `Request ${seq} ran out of time: ${fate}`, { requestId });
}

/** Settles everything: the agent is removed. */
export function settleAll(agent: Agent): void {
  const { mailbox } = agent.state;
  for (const settled of settleRemoved(mailbox, agent.nowMs)) tellWaiters(agent, settled);
}

/** Hands the Answers to those who wait elsewhere; gateway `knowing` has them already. */
function tellWaiters(agent: Agent, settled: Settled, knowing?: string): void {
  const { requestId, seq } = settled.request;
  for (const waiter of settled.waiters) {
    switch (waiter.type) {
      case "workflow": {
        const { workflowId, signal } = waiter;
        agent.send({ type: "signalWorkflow", workflowId, signal, requestId, seq });
        break;
      }
      case "evacuation":
        onOwnAnswers(agent, waiter.no, settled);
        break;
      case "recurring":
        onRecurringAnswers(agent, waiter.name, settled);
        break;
      case "gateway":
        if (waiter.gatewayId !== knowing) {
          agent.send({ type: "reply", gatewayId: waiter.gatewayId, requestId, seq });
        }
        break;
    }
  }
}
