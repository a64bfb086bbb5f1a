/** The only file that talks to workflows. Every call has a deadline; none is retried here. */
import {
  ActivityCancelledError,
  ActivityNotFoundError,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
} from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import {
  admitUpdate,
  agentLifecycleType,
  agentWorkflowId,
  answerSignal,
  connectedSignal,
  disconnectSignal,
  pingSignal,
  progressSignal,
  refusedSignal,
  requestQuery,
  undeliveredSignal,
  type AdmitMessage,
  type AdmitRefusal,
  type AdmitResult,
  type AnswerMessage,
  type ConnectedMessage,
  type DisconnectMessage,
  type PingMessage,
  type ProgressMessage,
  type RefusedMessage,
  type RequestView,
  type ToBeSealed,
  type UndeliveredMessage,
} from "../workflows/agent-messages.ts";
import {
  gatewayLifecycleType,
  gatewayStateQuery,
  gatewayWorkflowId,
  joinedSignal,
  leavingSignal,
  type GatewayView,
  type JoinedMessage,
  type LeavingMessage,
} from "../workflows/gateway-messages.ts";
import { balancerType, fleetChangedSignal } from "../workflows/balancer-messages.ts";
import {
  agentStartOptions,
  balancerStartOptions,
  gatewayStartOptions,
} from "../workflows/start-options.ts";
import { AgentTurns } from "./agent-turns.ts";
import { LifecycleGoneError, RequestRefusedError, SecretsInClearError } from "./errors.ts";

const callMs = 5_000;
/** A heartbeat that takes longer is sent anew. */
const heartbeatMs = 2_000;
const invalidArgument = 3;
/**
 * Temporal takes ten Updates of one workflow at once by default. One more is not only refused: it makes Temporal forget the
 * workflow task under way and abort the ten, which come again, and so on. Two gateways may ask for one agent.
 */
const admitsAtOnce = 5;

/** Signals to an agent's lifecycle that the gateway promises to bring over. */
export type AgentSignal =
  | { readonly name: "disconnect"; readonly message: DisconnectMessage }
  | { readonly name: "undelivered"; readonly message: UndeliveredMessage }
  | { readonly name: "refused"; readonly message: RefusedMessage }
  | { readonly name: "answer"; readonly message: AnswerMessage };

export class AgentPort {
  readonly #client: Client;
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #admits = new AgentTurns(admitsAtOnce);

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Brings a new session over, and starts the agent's lifecycle when it has none.
   * @throws LifecycleGoneError when the agent was removed.
   */
  async connected(agentId: string, message: ConnectedMessage): Promise<void> {
    await this.#call(agentId, callMs, () =>
      this.#client.workflow.signalWithStart(agentLifecycleType, {
        ...agentStartOptions(agentId, message),
        signal: connectedSignal,
        signalArgs: [message],
      }),
    );
  }

  /** @throws LifecycleGoneError when the agent has no running lifecycle. */
  async ping(agentId: string, message: PingMessage): Promise<void> {
    await this.#call(agentId, callMs, () =>
      this.#client.workflow.getHandle(agentWorkflowId(agentId)).signal(pingSignal, message),
    );
  }

  /** Tried once: what it says is said again at the end. */
  async progress(agentId: string, message: ProgressMessage): Promise<void> {
    await this.#call(agentId, callMs, () =>
      this.#client.workflow.getHandle(agentWorkflowId(agentId)).signal(progressSignal, message),
    );
  }

  /** @throws LifecycleGoneError when the agent has no running lifecycle, or will never take this signal. */
  async signal(agentId: string, signal: AgentSignal): Promise<void> {
    const handle = this.#client.workflow.getHandle(agentWorkflowId(agentId));
    try {
      await this.#call(agentId, callMs, () => {
        switch (signal.name) {
          case "disconnect":
            return handle.signal(disconnectSignal, signal.message);
          case "undelivered":
            return handle.signal(undeliveredSignal, signal.message);
          case "refused":
            return handle.signal(refusedSignal, signal.message);
          case "answer":
            return handle.signal(answerSignal, signal.message);
        }
      });
    } catch (error) {
      if (isInvalid(error)) throw new LifecycleGoneError(agentId, { cause: error });
      throw error;
    }
  }

  /**
   * Asks the lifecycle to take a Request; asking again with the same update id is the same asking.
   * @throws RequestRefusedError when it refuses; LifecycleGoneError when there is none; other errors may be retried.
   */
  async admit(
    agentId: string,
    message: AdmitMessage,
    updateId: string,
    withinMs: number,
  ): Promise<AdmitResult> {
    const update = () =>
      this.#client.workflow
        .getHandle(agentWorkflowId(agentId))
        .executeUpdate(admitUpdate, { args: [message], updateId });
    try {
      return await this.#admits.run(agentId, withinMs, () =>
        this.#call(agentId, Math.min(withinMs, callMs), update),
      );
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
  }

  /** What became of a Request; null when the lifecycle does not know it. */
  async request(agentId: string, requestId: string, withinMs: number): Promise<RequestView | null> {
    return await this.#call(agentId, withinMs, () =>
      this.#client.workflow.getHandle(agentWorkflowId(agentId)).query(requestQuery, requestId),
    );
  }

  async joined(gatewayId: string, message: JoinedMessage): Promise<void> {
    await this.#call(gatewayId, callMs, () =>
      this.#client.workflow.signalWithStart(gatewayLifecycleType, {
        ...gatewayStartOptions(gatewayId),
        signal: joinedSignal,
        signalArgs: [message],
      }),
    );
  }

  async leaving(gatewayId: string, message: LeavingMessage): Promise<void> {
    await this.#call(gatewayId, callMs, () =>
      this.#client.workflow.getHandle(gatewayWorkflowId(gatewayId)).signal(leavingSignal, message),
    );
  }

  /** The balancer looks at the fleet, and is started when there is none. */
  async fleetChanged(reason: string): Promise<void> {
    await this.#call("the balancer", callMs, () =>
      this.#client.workflow.signalWithStart(balancerType, {
        ...balancerStartOptions(),
        signal: fleetChangedSignal,
        signalArgs: [{ reason }],
      }),
    );
  }

  /** What the gateway's own lifecycle believes. */
  async gatewayState(gatewayId: string): Promise<GatewayView> {
    return await this.#call(gatewayId, callMs, () =>
      this.#client.workflow.getHandle(gatewayWorkflowId(gatewayId)).query(gatewayStateQuery),
    );
  }

  /** One heartbeat of the gateway's lease; gives whether Temporal still has it. */
  async heartbeatLease(taskToken: Uint8Array): Promise<boolean> {
    try {
      await this.#call("the lease", heartbeatMs, () => this.#client.activity.heartbeat(taskToken));
      return true;
    } catch (error) {
      if (error instanceof ActivityNotFoundError || error instanceof ActivityCancelledError) {
        return false;
      }
      throw error;
    }
  }

  async endLease(taskToken: Uint8Array): Promise<void> {
    await this.#call("the lease", heartbeatMs, () =>
      this.#client.activity.complete(taskToken, undefined),
    );
  }

  /** Resolves when no call is under way; closing the connection earlier would throw where nobody can catch it. */
  async settle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled([...this.#inFlight]);
  }

  async #call<T>(subject: string, withinMs: number, run: () => Promise<T>): Promise<T> {
    const call = this.#client.withDeadline(Date.now() + withinMs, run);
    this.#inFlight.add(call);
    try {
      return await call;
    } catch (error) {
      if (isGone(error)) throw new LifecycleGoneError(subject, { cause: error });
      throw error;
    } finally {
      this.#inFlight.delete(call);
    }
  }
}

function isGone(error: unknown): boolean {
  return (
    error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError
  );
}

/**
 * Temporal will say the same to the same message again. Not so when the run has had all the signals that it may have,
 * because no worker renewed it for long: the next run takes them.
 */
function isInvalid(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!isGrpcServiceError(cause)) return false;
  const status: number = cause.code;
  return status === invalidArgument && !cause.message.includes("limit for signal");
}

/** The refusals of the validator, as callers know them. */
const refusals: Readonly<Record<AdmitRefusal, RequestRefusedError["code"]>> = {
  RESOURCE_STATE: "RESOURCE_STATE",
  MAILBOX_FULL: "MAILBOX_FULL",
  INVALID_REQUEST: "INVALID_REQUEST",
  DUPLICATE_COMMAND_ID: "DUPLICATE_COMMAND_ID",
  REQUEST_FORGOTTEN: "REQUEST_FORGOTTEN",
  REMOVED: "AGENT_REMOVED",
};

function refusalOf(error: unknown): RequestRefusedError | undefined {
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined;
  const failure = error.cause;
  if (!(failure instanceof ApplicationFailure)) return undefined;
  const type = failure.type ?? "";
  if (!Object.hasOwn(refusals, type)) return undefined;
  const { message, details } = failure;
  const { secretFields } = (details?.[0] ?? {}) as Partial<ToBeSealed>;
  if (secretFields !== undefined) {
    return new SecretsInClearError(message, secretFields, { cause: error });
  }
  return new RequestRefusedError(refusals[type as AdmitRefusal], message, { cause: error });
}
