import { defineSignal, setHandler, workflowInfo } from "@temporalio/workflow";
import type { Command, Replies, Reply, WireCommand } from "../api/index.ts";
import type { CancelResult, RequestAnswers } from "../workflows/agent-messages.ts";
import type { AdmitArgs, SecretFields } from "./activity-types.ts";
import { CommandFailure } from "./failures.ts";
import { OpenRequest } from "./open-request.ts";
import { requestIdOf } from "./request-id.ts";
import { masked, sealed } from "./seal.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface CommandSenderOptions {
  /** Task queue of a worker that has the activities of `muster/workflow-activities`. Default: the workflow's own. */
  readonly taskQueue?: string | undefined;
  /** Name of the signal that brings Answers; a workflow with several senders gives each its own. Default: `musterAnswers`. */
  readonly signal?: string | undefined;
  /**
   * Fields of Command types that hold secrets, as the agents declare them (`CommandTraits.secretFields`): sealed before any
   * event of this workflow holds them. Those that are not named here are sealed on their way to the lifecycle, after an
   * activity of this workflow got them as they are.
   */
  readonly secretFields?: SecretFields | undefined;
}

export interface SendOptions {
  /** How long to wait for the Answer from its admission on; by default what the Command's type says. */
  readonly waitSeconds?: number | undefined;
  /** How long its admission may take when Muster is away; by default as long as it needs. */
  readonly admitWithinSeconds?: number | undefined;
  /** Names the Request. By default it follows from the workflow, the number of the call and what it says. */
  readonly requestId?: string | undefined;
}
export interface SendBatchOptions extends SendOptions {
  /** After a Command that failed: `stop` (the default) answers the rest StoppedByPreviousFailure. */
  readonly onError?: "stop" | "continue" | undefined;
}

/**
 * An admitted Request as plain data: it may cross continue-as-new, and be waited for there. `R` is what `result` gives.
 */
export interface RequestTicket<R> {
  readonly agentId: string;
  readonly requestId: string;
  readonly isBatch: boolean;
  /** Until when its Answers are waited for, on the workflow's clock. */
  readonly waitUntilMs: number;
  /** Never there: ties the ticket to its Answers' type. */
  readonly reply?: R;
}

/**
 * Sends Commands to agents from a workflow, on the durable lane, and waits durably: whatever is killed, each Command runs once
 * at most and gets one Answer. Cancelling the scope that a call was made in cancels its Request at the agent; the call then
 * settles with the Answers, which say whether anything took effect, or rejects with a CancelledFailure when none come.
 *
 * All calls reject with a CommandFailure when the Request was refused or is forgotten.
 */
export interface CommandSender {
  send<C extends Command>(agentId: string, command: C, options?: SendOptions): Promise<Reply<C>>;
  /** Several Commands to one agent as one Request. */
  sendBatch<const T extends readonly Command[]>(
    agentId: string,
    commands: T,
    options?: SendBatchOptions,
  ): Promise<Replies<T>>;
  /** Resolves once the Request is admitted; `result` waits for its Answers, also in a later run of the workflow. */
  submit<C extends Command>(
    agentId: string,
    command: C,
    options?: SendOptions,
  ): Promise<RequestTicket<Reply<C>>>;
  submitBatch<const T extends readonly Command[]>(
    agentId: string,
    commands: T,
    options?: SendBatchOptions,
  ): Promise<RequestTicket<Replies<T>>>;
  /** Waits for the Answers to what was submitted. Cancelled, only the waiting ends. */
  result<R>(ticket: RequestTicket<R>): Promise<R>;
  /** Cancels what was submitted; `result` still gives its Answers. `unknown`: it is forgotten. */
  cancel(ticket: RequestTicket<unknown>, reason?: string): Promise<CancelResult>;
}

const signalDefault = "musterAnswers";

/** Makes the sender of a workflow: once in each run, before the workflow waits for anything. */
export function commandSender(options: CommandSenderOptions = {}): CommandSender {
  const { signal = signalDefault, taskQueue, secretFields = {} } = options;
  const parts = { room: new WaitingRoom(), taskQueue };
  setHandler(defineSignal<[RequestAnswers]>(signal), (message) => {
    parts.room.onSignal(message);
  });
  let calls = 0;

  const argsOf = (
    agentId: string,
    commands: readonly Command[],
    { requestId, onError = "stop", waitSeconds }: SendBatchOptions,
  ): AdmitArgs => {
    const { workflowId, originalExecutionRunId } = workflowInfo();
    const caller = { workflowId, runId: originalExecutionRunId };
    const shown = commands.map((command) => masked(command, secretFields));
    const id = requestId ?? requestIdOf(caller, ++calls, [agentId, shown]);
    refuseEmpty(commands, { agentId, requestId: id });
    return {
      agentId,
      requestId: id,
      commands: commands.map((command, index) => wire(command, `${id}/${index}`)),
      onError,
      ...(waitSeconds !== undefined && { waitSeconds }),
      replyTo: { workflowId, signal },
    };
  };
  const send = async (agentId: string, commands: readonly Command[], given: SendBatchOptions) => {
    const args = argsOf(agentId, commands, given);
    try {
      const request = await sealed(args, secretFields);
      return await new OpenRequest(args, parts).carryOut(request, given.admitWithinSeconds);
    } finally {
      parts.room.leave(args.requestId);
    }
  };
  const submit = async (
    agentId: string,
    commands: readonly Command[],
    given: SendBatchOptions,
    isBatch: boolean,
  ) => {
    const args = argsOf(agentId, commands, given);
    const { requestId } = args;
    const request = await sealed(args, secretFields);
    const waitMs = await new OpenRequest(args, parts).admit(request, given.admitWithinSeconds);
    return { agentId, requestId, isBatch, waitUntilMs: Date.now() + waitMs };
  };

  return {
    send: async <C extends Command>(agentId: string, command: C, given: SendOptions = {}) => {
      const [answer] = await send(agentId, [command], given);
      return answer as Reply<C>;
    },
    sendBatch: async <T extends readonly Command[]>(
      agentId: string,
      commands: T,
      given: SendBatchOptions = {},
    ) => (await send(agentId, commands, given)) as unknown as Replies<T>,
    submit: async (agentId, command, given = {}) => await submit(agentId, [command], given, false),
    submitBatch: async (agentId, commands, given = {}) =>
      await submit(agentId, commands, given, true),
    result: async <R>(ticket: RequestTicket<R>) => {
      const waitMs = Math.max(0, ticket.waitUntilMs - Date.now());
      const answers = await new OpenRequest(ticket, parts).wait(waitMs);
      return (ticket.isBatch ? answers : answers[0]) as R;
    },
    cancel: async (ticket, reason = "cancelled by the calling workflow") =>
      await new OpenRequest(ticket, parts).cancel(reason),
  };
}

/** What crosses the wire of a Command; its type may be a getter of its class. */
function wire(command: Command, id: string): WireCommand {
  return { ...(command as object), type: command.type, id: command.id ?? id };
}

function refuseEmpty(
  commands: readonly Command[],
  request: { readonly agentId: string; readonly requestId: string },
): void {
  if (commands.length > 0) return;
  const message = "A Request needs at least one Command.";
  throw new CommandFailure("INVALID_REQUEST", "notSent", message, request);
}
