/** What the operator API asks of agents' workflows. Every call has a deadline, none is repeated. */
import { randomUUID } from "node:crypto";
import { WorkflowNotFoundError, type Client } from "@temporalio/client";
import { findAgent, removeDirectAgent, removeRegistered, type Db } from "../../db/index.ts";
import {
  addRecurringUpdate,
  agentWorkflowId,
  cancelUpdate,
  configureUpdate,
  operatorUpdates,
  recurringQuery,
  removeRecurringUpdate,
  requestQuery,
  stateQuery,
  type AddRecurringMessage,
  type AgentView,
  type CancelMessage,
  type CancelResult,
  type ConfigureMessage,
  type EnterMaintenanceMessage,
  type OperatorMessage,
  type OperatorVerb,
  type RecurringView,
  type RemoveRecurringMessage,
  type RequestView,
  type VerbResult,
} from "../../workflows/agent-messages.ts";
import { CallsInFlight } from "./calls-in-flight.ts";
import { ApiError } from "./errors.ts";
import type { ProblemCode } from "./problems.ts";
import { problemIn } from "./update-problem.ts";
import { whyUnknown } from "./why-unknown.ts";

const updateMs = 10_000;
const queryMs = 3_000;

/** Refusals of the workflow's validators, by the type of their failure. */
const refusals: Readonly<Record<string, ProblemCode>> = {
  RESOURCE_STATE: "RESOURCE_STATE",
  REMOVED: "AGENT_REMOVED",
  NOT_CONNECTED: "AGENT_NOT_CONNECTED",
  INVALID_REQUEST: "INVALID_REQUEST",
};

function codeOf(type: string): ProblemCode | undefined {
  return Object.hasOwn(refusals, type) ? refusals[type] : undefined;
}

export class LifecycleCalls {
  readonly #client: Client;
  readonly #db: Db;
  readonly #calls: CallsInFlight;

  constructor(client: Client, db: Db) {
    this.#client = client;
    this.#db = db;
    this.#calls = new CallsInFlight(client);
  }

  /** @throws ApiError, as all of these. */
  async state(agentId: string): Promise<AgentView> {
    return await this.#ask(agentId, queryMs, () => this.#handle(agentId).query(stateQuery));
  }

  async request(agentId: string, requestId: string): Promise<RequestView | null> {
    return await this.#ask(agentId, queryMs, () =>
      this.#handle(agentId).query(requestQuery, requestId),
    );
  }

  async cancel(agentId: string, message: CancelMessage): Promise<CancelResult> {
    return await this.#ask(agentId, updateMs, () =>
      this.#handle(agentId).executeUpdate(cancelUpdate, {
        args: [message],
        updateId: `cancel/${randomUUID()}`,
      }),
    );
  }

  /** Asking again with the same key is the same asking, while the workflow's run remembers it. */
  async verb(
    agentId: string,
    verb: OperatorVerb,
    message: EnterMaintenanceMessage,
    key: string,
  ): Promise<VerbResult> {
    return await this.#ask(agentId, updateMs, () =>
      this.#handle(agentId).executeUpdate(operatorUpdates[verb], {
        args: [message],
        updateId: `${verb}/${key}`,
      }),
    );
  }

  /**
   * Removes an agent for good, and ends the declaration of a direct one first: nobody runs it any more. One that never
   * connected has no more than that.
   */
  async remove(agentId: string, message: OperatorMessage, key: string): Promise<VerbResult> {
    const wasDeclared = await removeDirectAgent(this.#db, agentId);
    try {
      return await this.#removeAgent(agentId, message, key);
    } catch (error) {
      const isNew = error instanceof ApiError && error.code === "AGENT_UNKNOWN";
      if (!wasDeclared || !isNew) throw error;
      const details = "Its declaration ended. The agent never connected.";
      return { status: "Removed", resourceState: "Creating", details };
    }
  }

  /**
   * Removes an agent for good, also one whose lifecycle does not run: it registered and got no further, or the lifecycle
   * was terminated by hand.
   */
  async #removeAgent(agentId: string, message: OperatorMessage, key: string): Promise<VerbResult> {
    try {
      return await this.verb(agentId, "remove", message, key);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "AGENT_NOT_CONNECTED") throw error;
    }
    const by = message.by ?? "an operator";
    const why = message.reason === undefined ? "" : `: ${message.reason}`;
    await removeRegistered(this.#db, agentId, `removed by ${by}${why}`);
    // The agent may have connected just before: then it has a lifecycle now, which has to end, too.
    try {
      return await this.verb(agentId, "remove", message, key);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "AGENT_REMOVED") throw error;
      const { resourceState = "Creating" } = (await findAgent(this.#db, agentId)) ?? {};
      const details = "The agent is removed. It had no lifecycle that could be told.";
      return { status: "Removed", resourceState, details };
    }
  }

  async configure(agentId: string, message: ConfigureMessage, key: string): Promise<VerbResult> {
    return await this.#ask(agentId, updateMs, () =>
      this.#handle(agentId).executeUpdate(configureUpdate, {
        args: [message],
        updateId: `configure/${key}`,
      }),
    );
  }

  async recurring(agentId: string): Promise<readonly RecurringView[]> {
    return await this.#ask(agentId, queryMs, () => this.#handle(agentId).query(recurringQuery));
  }

  async addRecurring(agentId: string, message: AddRecurringMessage): Promise<RecurringView> {
    return await this.#ask(agentId, updateMs, () =>
      this.#handle(agentId).executeUpdate(addRecurringUpdate, {
        args: [message],
        updateId: `addRecurring/${randomUUID()}`,
      }),
    );
  }

  async removeRecurring(
    agentId: string,
    message: RemoveRecurringMessage,
  ): Promise<{ readonly removed: boolean }> {
    return await this.#ask(agentId, updateMs, () =>
      this.#handle(agentId).executeUpdate(removeRecurringUpdate, {
        args: [message],
        updateId: `removeRecurring/${randomUUID()}`,
      }),
    );
  }

  async settle(): Promise<void> {
    await this.#calls.settle();
  }

  #handle(agentId: string) {
    return this.#client.workflow.getHandle(agentWorkflowId(agentId));
  }

  async #ask<T>(agentId: string, withinMs: number, run: () => Promise<T>): Promise<T> {
    try {
      return await this.#calls.run(withinMs, run);
    } catch (error) {
      throw error instanceof WorkflowNotFoundError
        ? await this.#whyNoLifecycle(agentId, error)
        : (problemIn(error, codeOf, outage) ?? error);
    }
  }

  async #whyNoLifecycle(agentId: string, cause: unknown): Promise<ApiError> {
    const agent = await findAgent(this.#db, agentId);
    if (agent === undefined) return await whyUnknown(this.#db, agentId, { cause });
    if (agent.status === "Removed") {
      return new ApiError("AGENT_REMOVED", `Agent ${agentId} was removed.`, { cause });
    }
    const message = `Agent ${agentId} is registered, but its lifecycle does not run: it begins when the agent connects.`;
    return new ApiError("AGENT_NOT_CONNECTED", message, { cause });
  }
}

const outage =
  "The agent's lifecycle did not answer in time: Temporal or the lifecycle workers are away or busy. " +
  "A change that was asked for may still be made: look, or ask again with the same Idempotency-Key.";
