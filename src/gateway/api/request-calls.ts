/** Asking what became of Requests, and cancelling them, whoever sent them and by whichever gateway. */
import { findRequestAgent, type Db } from "../../db/index.ts";
import type { CancelResult, RequestView } from "../../workflows/agent-messages.ts";
import type { CommandLanes, OpenCall } from "../command-lanes.ts";
import { ApiError } from "./errors.ts";
import type { LifecycleCalls } from "./lifecycle-calls.ts";

/** A Request and what became of it, with its agent. */
export type FoundRequest = RequestView & { readonly agentId: string };

export class RequestCalls {
  readonly #db: Db;
  readonly #lifecycle: LifecycleCalls;
  readonly #lanes: CommandLanes;

  constructor(parts: {
    readonly db: Db;
    readonly lifecycle: LifecycleCalls;
    readonly lanes: CommandLanes;
  }) {
    this.#db = parts.db;
    this.#lifecycle = parts.lifecycle;
    this.#lanes = parts.lanes;
  }

  /**
   * What became of a Request; waits until it is settled, for `waitSeconds` at most.
   * @throws ApiError REQUEST_UNKNOWN and what the lifecycle's queries throw.
   */
  async lookUp(
    requestId: string,
    waitSeconds: number,
    onOpen?: (call: OpenCall) => void,
  ): Promise<FoundRequest> {
    const agentId = await this.#agentOf(requestId);
    const view = await this.#lifecycle.request(agentId, requestId);
    if (view === null) throw forgotten(requestId, agentId);
    const end = await this.#lanes.awaitSettled(agentId, view, waitSeconds * 1_000, onOpen);
    return { agentId, ...end };
  }

  /** Cancels a Request: each of its Commands still gets one Answer. @throws ApiError as `lookUp`. */
  async cancel(
    requestId: string,
    reason = "cancelled by an operator",
  ): Promise<{ readonly agentId: string; readonly result: Exclude<CancelResult, "unknown"> }> {
    const agentId = await this.#agentOf(requestId);
    const result = await this.#lifecycle.cancel(agentId, { requestId, reason });
    if (result === "unknown") throw forgotten(requestId, agentId);
    return { agentId, result };
  }

  async #agentOf(requestId: string): Promise<string> {
    const agentId = await findRequestAgent(this.#db, requestId);
    if (agentId !== undefined) return agentId;
    const message = `Request ${requestId} was never sent, was refused, or is forgotten: ids are kept for 7 days after their wait.`;
    throw new ApiError("REQUEST_UNKNOWN", message);
  }
}

function forgotten(requestId: string, agentId: string): ApiError {
  const message = `Agent ${agentId} does not know request ${requestId}: it was refused, or settled so long ago that it is forgotten.`;
  return new ApiError("REQUEST_UNKNOWN", message);
}
