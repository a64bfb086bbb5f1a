/** Requests of callers: admitted, answered, cancelled, run out of time (DESIGN §7). */
import { ApplicationFailure } from "@temporalio/common";
import { log } from "@temporalio/workflow";
import { traitsOf } from "../../api/index.ts";
import { admissionRefusal } from "../../lifecycle/command-admission.ts";
import {
  admit,
  findRequest,
  isFinished,
  markHanded,
  markUndelivered,
  refusalOf,
  toDeliver,
} from "../../lifecycle/mailbox.ts";
import {
  cancel,
  settleByAnswer,
  settleExpired,
  settleRemoved,
} from "../../lifecycle/mailbox-settle.ts";
import type { Settled } from "../../lifecycle/mailbox-settle.ts";
import type { PendingRequest, RequestToAdmit, Waiter } from "../../lifecycle/mailbox-types.ts";
import type {
  AdmitMessage,
  AdmitRefusal,
  AdmitResult,
  AnswerMessage,
  CancelMessage,
  CancelResult,
  UndeliveredMessage,
} from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { onOwnAnswers } from "./evacuation-news.ts";

/** Callers that may wait for one Request: each asking again from another place adds one, the newest count. */
const waitersMax = 5;

/**
 * Why a Request would be refused now, as the failure that the Update gets; undefined when it may be admitted.
 * Changes nothing: the validator calls it, and a refusal there leaves no trace in the history.
 */
export function admitFailure(agent: Agent, message: AdmitMessage): ApplicationFailure | undefined {
  const { state } = agent;
  if (state.status === "Removed") {
    return refused("REMOVED", "The agent is removed. Connect it anew under another id.");
  }
  if (findRequest(state.mailbox, message.requestId) !== undefined) return undefined;
  const types = message.commands.map((command) => command.type);
  const closed = admissionRefusal(state.resourceState, types, state.host?.commandTypes);
  if (closed !== undefined) return refused("RESOURCE_STATE", closed);
  const full = refusalOf(state.mailbox, message);
  return full && refused(full.code, full.message);
}

/**
 * Admits a Request, or gives what became of it when its id was admitted before.
 * @throws ApplicationFailure for what `admitFailure` says, which fails the Update alone.
 */
export function onAdmit(agent: Agent, message: AdmitMessage): AdmitResult {
  const failure = admitFailure(agent, message);
  if (failure !== undefined) throw failure;
  const { mailbox, session } = agent.state;
  const known = findRequest(mailbox, message.requestId);
  if (known !== undefined && isFinished(known)) {
    return { state: "settled", seq: known.seq, answers: known.answers };
  }
  const request = known ?? admit(mailbox, withDefaults(agent, message), agent.nowMs);
  if (known !== undefined) request.waiters = joined(request.waiters, waitersOf(message));
  const deliverable = toDeliver(mailbox, request, agent.nowMs);
  const { via } = message;
  if (
    via !== undefined &&
    session?.epoch === via.epoch &&
    session.gatewayId === via.gatewayId &&
    session.incarnation === via.incarnation
  ) {
    markHanded(request, via.epoch);
    return { state: "pending", deliver: "caller", request: deliverable };
  }
  return {
    state: "pending",
    deliver: "workflow",
    seq: request.seq,
    waitMs: deliverable.waitMs,
  };
}

/**
 * Admits a Request of the lifecycle itself, for its evacuation `no`: no ResourceState refuses it, and it is few enough
 * to need no place in a full mailbox.
 */
export function admitOwn(
  agent: Agent,
  no: number,
  request: Pick<RequestToAdmit, "requestId" | "commands" | "waitMs">,
): void {
  const declared = agent.state.host?.commandTypes;
  const inSequence = request.commands.some(({ type }) => traitsOf(type, declared).inSequence);
  const waiters = [{ type: "evacuation", no }] as const;
  const whole = { ...request, onError: "continue", inSequence, waiters } as const;
  admit(agent.state.mailbox, whole, agent.nowMs);
}

function withDefaults(agent: Agent, message: AdmitMessage) {
  const traits = message.commands.map((command) =>
    traitsOf(command.type, agent.state.host?.commandTypes),
  );
  const waitSeconds =
    message.waitSeconds ?? Math.max(...traits.map(({ waitSeconds: seconds }) => seconds));
  return {
    requestId: message.requestId,
    commands: message.commands,
    onError: message.onError,
    inSequence: traits.some(({ inSequence }) => inSequence),
    waitMs: Math.ceil(waitSeconds * 1_000),
    waiters: waitersOf(message),
  };
}

function waitersOf(message: AdmitMessage): readonly Waiter[] {
  const waiters: Waiter[] = [];
  if (message.via !== undefined)
    waiters.push({ type: "gateway", gatewayId: message.via.gatewayId });
  const { replyTo } = message;
  if (
    replyTo !== undefined &&
    !(replyTo.type === "gateway" && replyTo.gatewayId === message.via?.gatewayId)
  ) {
    waiters.push(replyTo);
  }
  return waiters;
}

function joined(waiters: readonly Waiter[], more: readonly Waiter[]): readonly Waiter[] {
  const known = new Set(waiters.map((waiter) => JSON.stringify(waiter)));
  const added = more.filter((waiter) => !known.has(JSON.stringify(waiter)));
  return [...waiters, ...added].slice(-waitersMax);
}

/** The agent's Answers. Those to a Request that has its Answers already change nothing. */
export function onAnswer(agent: Agent, message: AnswerMessage): void {
  const outcome = settleByAnswer(agent.state.mailbox, message.seq, message.answers);
  switch (outcome.type) {
    case "settled":
      tellWaiters(agent, outcome, message.gateway.gatewayId);
      return;
    case "late":
      agent.note("lateAnswer", `Answer to Request ${message.seq} came late: it changes nothing`, {
        seq: message.seq,
        commandIds: message.answers.map((answer) => answer.commandId),
      });
      return;
    case "foreign":
      log.warn("answer ignored", { seq: message.seq, reason: outcome.reason });
      agent.note("messageIgnored", `Answer ignored: ${outcome.reason}`, { seq: message.seq });
      return;
  }
}

/** A gateway gives Requests back that it certainly did not write. */
export function onUndelivered(agent: Agent, message: UndeliveredMessage): void {
  const { state } = agent;
  const mayBeThere = markUndelivered(state.mailbox, message.epoch, message.seqs);
  if (state.session?.epoch === message.epoch) state.redeliver = [...state.redeliver, ...mayBeThere];
  log.info("requests came back undelivered", { seqs: message.seqs, reason: message.reason });
}

/** Cancels a Request; one that the agent may be running is cancelled by asking the agent. */
export function onCancel(agent: Agent, message: CancelMessage): CancelResult {
  const { mailbox, session } = agent.state;
  const outcome = cancel(mailbox, message.requestId, message.reason);
  if (outcome.type === "settled" || outcome.type === "unknown") return outcome.type;
  const { seq } = outcome.request;
  agent.note("requestCancelled", `Request ${seq} cancelled: ${message.reason}`, {
    requestId: message.requestId,
  });
  if (outcome.type === "cancelled") {
    tellWaiters(agent, outcome);
    return "cancelled";
  }
  if (session !== null) {
    const { gatewayId, epoch } = session;
    agent.send({ type: "cancelRequest", gatewayId, epoch, seq, reason: message.reason });
  }
  return "asked";
}

/** Settles what has run out of time. */
export function expireRequests(agent: Agent): void {
  for (const settled of settleExpired(agent.state.mailbox, agent.nowMs)) {
    const { seq, requestId, handed } = settled.request;
    const fate = handed ? "unknown whether it ran" : "not sent";
    agent.note("requestExpired", `Request ${seq} ran out of time: ${fate}`, { requestId });
    tellWaiters(agent, settled);
  }
}

/** Settles everything: the agent is removed. */
export function settleAll(agent: Agent): void {
  for (const settled of settleRemoved(agent.state.mailbox)) tellWaiters(agent, settled);
}

/** Hands the Answers to those who wait elsewhere; gateway `knowing` has them already. */
function tellWaiters(agent: Agent, settled: Settled, knowing?: string): void {
  const { requestId, seq } = settled.request;
  for (const waiter of settled.waiters) {
    if (waiter.type === "workflow") {
      const { workflowId, signal } = waiter;
      agent.send({ type: "signalWorkflow", workflowId, signal, requestId, seq });
    } else if (waiter.type === "evacuation") {
      onOwnAnswers(agent, waiter.no, settled);
    } else if (waiter.gatewayId !== knowing) {
      agent.send({ type: "reply", gatewayId: waiter.gatewayId, requestId, seq });
    }
  }
}

/** Requests that the session's gateway must be given, in order. */
export function dueForDelivery(agent: Agent): readonly PendingRequest[] {
  const { mailbox, session, redeliver } = agent.state;
  if (session === null) return [];
  const again = new Set(redeliver);
  return mailbox.pending.filter(
    (request) => again.has(request.seq) || !request.handedEpochs.includes(session.epoch),
  );
}

function refused(type: AdmitRefusal, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
