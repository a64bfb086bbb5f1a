/** Requests that the lifecycle sends again and again by itself, through its own mailbox: they have all promises of a caller's. */
import { ApplicationFailure } from "@temporalio/common";
import { uuid4 } from "@temporalio/workflow";
import { isoTime } from "../../lifecycle/iso-time.ts";
import { refusalOf } from "../../lifecycle/mailbox.ts";
import type { Settled } from "../../lifecycle/mailbox-settle.ts";
import {
  dueRecurring,
  nextTurnMs,
  noteRunAnswers,
  noteSkip,
  noteTurn,
  putRecurring,
  recurringProblem,
  turnObstacle,
} from "../../lifecycle/recurring.ts";
import { recurringSecret } from "../../lifecycle/secret-fields.ts";
import { describeSchedule } from "../../lifecycle/recurring-schedule.ts";
import type { Recurring, RecurringOrder } from "../../lifecycle/recurring-types.ts";
import type {
  AddRecurringMessage,
  RecurringRefusal,
  RecurringView,
  RemoveRecurringMessage,
} from "../agent-messages.ts";
import { admitOwn, closedTo, toMs } from "./admit.ts";
import type { Agent } from "./agent.ts";
import { withoutNulls } from "./checks.ts";
import type { AgentState } from "./state.ts";

/** Why an order would be refused now; undefined when it may be added. Changes nothing. */
export function addRecurringFailure(
  { state, nowMs }: Agent,
  message: AddRecurringMessage,
): ApplicationFailure | undefined {
  if (state.status === "Removed") return refused("REMOVED", "The agent is removed.");
  const problem = recurringProblem(state.recurring ?? [], orderOf(message), nowMs);
  return problem && refused(problem.code, problem.message);
}

/** For the validator alone, beside `addRecurringFailure`: a history of before there were secrets goes on as it did. */
export function recurringSecretFailure(
  { state }: Agent,
  { commands }: AddRecurringMessage,
): ApplicationFailure | undefined {
  const problem = recurringSecret(commands, state.host?.commandTypes);
  return problem === undefined ? undefined : refused("INVALID_REQUEST", problem);
}

/** @throws ApplicationFailure for what `addRecurringFailure` says, which fails the Update alone. */
export function onAddRecurring(agent: Agent, message: AddRecurringMessage): RecurringView {
  const failure = addRecurringFailure(agent, message);
  if (failure !== undefined) throw failure;
  const order = orderOf(message);
  agent.state.recurring ??= [];
  const { recurring, change } = putRecurring(agent.state.recurring, order, agent.nowMs);
  if (change !== "none") {
    const types = order.commands.map(({ type }) => type).join(", ");
    const what = `${types}, ${describeSchedule(order.schedule)}`;
    const { name } = order;
    agent.note("recurringAdded", `Recurring ${name} ${change} by ${by(message)}: ${what}`, {
      name,
    });
  }
  return viewOf(recurring);
}

export function onRemoveRecurring(
  agent: Agent,
  message: RemoveRecurringMessage,
): { readonly removed: boolean } {
  const { name } = message;
  const all = agent.state.recurring ?? [];
  const left = all.filter(({ order }) => order.name !== name);
  const removed = left.length < all.length;
  if (removed) {
    agent.state.recurring = left;
    agent.note("recurringRemoved", `Recurring ${name} removed by ${by(message)}`, { name });
  }
  return { removed };
}

/** The agent is removed: what recurs ends with it. */
export function endRecurring(agent: Agent): void {
  if (agent.state.recurring !== undefined) agent.state.recurring = [];
}

/** Takes the turns that are due, each as one Request, or leaves them out. */
export function driveRecurring(agent: Agent): void {
  for (const recurring of dueRecurring(agent.state.recurring ?? [], agent.nowMs)) {
    const { name, commands, onError, waitSeconds } = recurring.order;
    const requestId = `recurring/${uuid4()}`;
    const request = {
      requestId,
      onError,
      commands: commands.map((command, index) => ({ ...command, id: `${requestId}/${index}` })),
      ...(waitSeconds !== undefined && { waitMs: toMs(waitSeconds) }),
    };
    const obstacle = turnObstacle(recurring, agent.nowMs) ?? obstacleOf(agent, request);
    if (obstacle !== undefined) noteSkip(recurring, obstacle, agent.nowMs);
    else {
      noteTurn(recurring, requestId, agent.nowMs);
      admitOwn(agent, { type: "recurring", name }, request);
    }
  }
}

function obstacleOf(
  { state, nowMs }: Agent,
  request: Parameters<typeof refusalOf>[1],
): string | undefined {
  if (state.session === null) return `the agent is away (${state.status})`;
  return closedTo(state, request.commands) ?? refusalOf(state.mailbox, request, nowMs)?.message;
}

export function recurringWakeMs({ recurring }: AgentState): number | undefined {
  return recurring === undefined ? undefined : nextTurnMs(recurring);
}

/** A run has its Answers. Those of one that was removed meanwhile are in the mailbox alone. */
export function onRecurringAnswers(agent: Agent, name: string, settled: Settled): void {
  const { request, answers } = settled;
  const recurring = agent.state.recurring?.find(({ order }) => order.name === name);
  if (recurring === undefined) return;
  const { requestId } = request;
  const change = noteRunAnswers(recurring, requestId, answers);
  if (change === undefined) return;
  const failed = answers.find(({ result }) => !result);
  const why = failed === undefined ? "" : `: ${failed.errorCode ?? failed.details ?? failed.type}`;
  const type = change === "failed" ? "recurringFailed" : "recurringSucceeded";
  agent.note(type, `Recurring ${name} ${change}${why}`, { name, requestId });
}

export function recurringViews({ recurring = [] }: AgentState): readonly RecurringView[] {
  return recurring.map(viewOf);
}

function viewOf(recurring: Recurring): RecurringView {
  const { order, nextAtMs, runs, failed, skipped, lastRun, lastSkip } = recurring;
  return {
    ...order,
    nextAt: isoTime(nextAtMs),
    runs,
    failed,
    skipped,
    ...(lastRun !== undefined && {
      lastRun: {
        requestId: lastRun.requestId,
        at: isoTime(lastRun.atMs),
        ...(lastRun.answers !== undefined && { answers: lastRun.answers }),
      },
    }),
    ...(lastSkip !== undefined && {
      lastSkip: { at: isoTime(lastSkip.atMs), reason: lastSkip.reason },
    }),
  };
}

/** Without who asks and what else came with it. */
function orderOf(message: AddRecurringMessage): RecurringOrder {
  const { name, commands, schedule, onError = "stop", waitSeconds } = withoutNulls(message);
  return {
    name,
    commands,
    schedule: withoutNulls(schedule),
    onError,
    ...(waitSeconds !== undefined && { waitSeconds }),
  };
}

function by(message: { readonly by?: string }): string {
  return message.by ?? "an operator";
}

function refused(type: RecurringRefusal, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
