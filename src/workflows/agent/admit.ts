/** Requests on their way into the mailbox (DESIGN §7). */
import { ApplicationFailure } from "@temporalio/common";
import { traitsOf } from "../../api/index.ts";
import { admissionRefusal } from "../../lifecycle/command-admission.ts";
import { markHanded, toDeliver } from "../../lifecycle/mailbox-delivery.ts";
import { admit, findRequest, isFinished, join, refusalOf } from "../../lifecycle/mailbox.ts";
import type { PendingRequest, RequestToAdmit, Waiter } from "../../lifecycle/mailbox-types.ts";
import type {
  AdmitMessage,
  AdmitRefusal,
  AdmitResult,
  BareAdmitMessage,
} from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { withoutNulls } from "./checks.ts";
import type { AgentState, Session } from "./state.ts";

/**
 * A caller's message with what it may leave out: its request id is the Update's then, and its Commands' ids are made of
 * that, so that asking again is the same asking.
 */
export function readAdmit(message: BareAdmitMessage, updateId: string): AdmitMessage {
  const { commands, ...rest } = withoutNulls(message);
  const requestId = rest.requestId ?? updateId;
  return {
    onError: "stop",
    ...rest,
    requestId,
    commands: commands.map((command, index) => {
      const { id, ...fields } = withoutNulls(command, ["id", "resource"]);
      return { ...fields, id: id ?? `${requestId}/${index}` };
    }),
  };
}

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
  const closed = closedTo(state, message.commands);
  if (closed !== undefined) return refused("RESOURCE_STATE", closed);
  const refusal = refusalOf(state.mailbox, message, agent.nowMs, message.repeatAgoMs);
  return refusal && refused(refusal.code, refusal.message);
}

/** Why the ResourceState refuses these Commands; undefined when it does not. */
export function closedTo(
  { resourceState, host }: AgentState,
  commands: readonly { readonly type: string }[],
): string | undefined {
  const types = commands.map(({ type }) => type);
  return admissionRefusal(resourceState, types, host?.commandTypes);
}

/**
 * Admits a Request, or gives what became of it when its id was admitted before.
 * @throws ApplicationFailure for what `admitFailure` says, which fails the Update alone.
 */
export function onAdmit(agent: Agent, message: AdmitMessage): AdmitResult {
  const failure = admitFailure(agent, message);
  if (failure !== undefined) throw failure;
  const { mailbox, session } = agent.state;
  const { requestId, via, progress } = message;
  const known = findRequest(mailbox, requestId);
  if (known !== undefined && isFinished(known)) {
    return { state: "settled", requestId, seq: known.seq, answers: known.answers };
  }
  const waiters = waitersOf(message);
  const asked = { waiters, ...(progress !== undefined && { progress }) };
  if (known !== undefined) join(known, asked);
  const request =
    known ?? admit(mailbox, { ...withDefaults(agent, message), ...asked }, agent.nowMs);
  if (via !== undefined && isSession(session, via)) {
    const [deliverable] = toDeliver(mailbox, [request], agent.nowMs);
    markHanded(request, via.epoch);
    if (deliverable !== undefined)
      return { state: "pending", deliver: "caller", request: deliverable };
  }
  const { seq, deadlineMs } = request;
  const waitMs = Math.max(0, deadlineMs - agent.nowMs);
  return { state: "pending", deliver: "workflow", requestId, seq, waitMs };
}

function isSession(session: Session | null, via: Session): boolean {
  return (
    session?.epoch === via.epoch &&
    session.gatewayId === via.gatewayId &&
    session.incarnation === via.incarnation
  );
}

/** Admits a Request of the lifecycle itself. */
export function admitOwn(
  agent: Agent,
  waiter: Waiter,
  request: Pick<RequestToAdmit, "requestId" | "commands" | "onError"> & {
    readonly waitMs?: number;
  },
): PendingRequest {
  const traits = traitsOfAll(agent, request);
  return admit(
    agent.state.mailbox,
    {
      ...request,
      waitMs: request.waitMs ?? traits.waitMs,
      inSequence: traits.inSequence,
      waiters: [waiter],
    },
    agent.nowMs,
  );
}

function withDefaults(agent: Agent, message: AdmitMessage): Omit<RequestToAdmit, "waiters"> {
  const { requestId, commands, onError, waitSeconds } = message;
  const { inSequence, waitMs } = traitsOfAll(agent, message);
  return {
    requestId,
    commands,
    onError,
    inSequence,
    waitMs: waitSeconds === undefined ? waitMs : toMs(waitSeconds),
  };
}

/** A Request is in sequence when one of its Commands is, and waits as long as the most patient of their types. */
function traitsOfAll(
  agent: Agent,
  { commands }: { readonly commands: readonly { readonly type: string }[] },
): { readonly inSequence: boolean; readonly waitMs: number } {
  const declared = agent.state.host?.commandTypes;
  const traits = commands.map(({ type }) => traitsOf(type, declared));
  return {
    inSequence: traits.some(({ inSequence }) => inSequence),
    waitMs: toMs(Math.max(...traits.map(({ waitSeconds }) => waitSeconds))),
  };
}

/** Rounded, since a factor of a thousand makes 32.639 s a little more than 32,639 ms. */
export function toMs(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1_000));
}

function waitersOf({ via, replyTo }: AdmitMessage): readonly Waiter[] {
  const waiters: Waiter[] = [];
  if (via !== undefined) waiters.push({ type: "gateway", gatewayId: via.gatewayId });
  if (
    replyTo !== undefined &&
    !(replyTo.type === "gateway" && replyTo.gatewayId === via?.gatewayId)
  ) {
    waiters.push(replyTo);
  }
  return waiters;
}

function refused(type: AdmitRefusal, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
