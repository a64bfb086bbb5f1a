import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../api/index.ts";
import { cancelBody, requestBody } from "./call-bodies.ts";
import type { Connections } from "./connections.ts";
import {
  cancelResultIn,
  requestIn,
  type Admission,
  type CancelResult,
  type RequestView,
} from "./socket-messages.ts";

/** How long a gateway holds one question for the Answers. */
const pollSeconds = 30;
/** Between two questions, for gateways that do not hold them. */
const pauseMs = 250;

/**
 * A Request of the durable lane that was admitted. It goes on whatever becomes of this process: any other one gets the same
 * handle by `AgentManager.request(requestId)`.
 */
export class RequestHandle<R = readonly Answer[]> {
  readonly requestId: string;
  readonly agentId: string;
  /** Its place in the order of the agent's Requests. */
  readonly seq: number;
  readonly #connections: Connections;
  readonly #resultOf: (answers: readonly Answer[]) => R;
  #answers: readonly Answer[] | undefined;
  #waitOverMs: number;

  /** Made by `submit` and `request` of the AgentManager. */
  constructor(
    connections: Connections,
    agentId: string,
    admission: Admission,
    resultOf: (answers: readonly Answer[]) => R,
  ) {
    this.#connections = connections;
    this.#resultOf = resultOf;
    this.requestId = admission.requestId;
    this.agentId = agentId;
    this.seq = admission.seq;
    this.#answers = admission.answers;
    this.#waitOverMs = performance.now() + admission.waitMs;
  }

  /**
   * Waits for the Answers, over lost connections and gateways. The signal ends the waiting alone: the Request goes on.
   * @throws AgentManagerError ABORTED, CLOSED, NO_NEWS, or REQUEST_UNKNOWN when it was settled so long ago that it is forgotten.
   */
  async result({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<R> {
    while (this.#answers === undefined) {
      const { answers, waitLeftMs = 0 } = await this.#ask(pollSeconds, signal);
      this.#answers = answers;
      this.#waitOverMs = performance.now() + waitLeftMs;
      if (answers === undefined) await sleep(pauseMs);
    }
    return this.#resultOf(this.#answers);
  }

  /** What is known of it now. */
  async view(): Promise<RequestView> {
    return await this.#ask(0);
  }

  /** Cancels it. Each of its Commands still gets its one Answer, which says whether it took effect. */
  async cancel(reason = "cancelled by its caller"): Promise<CancelResult> {
    const { requestId } = this;
    const body = cancelBody(requestId, reason);
    const request = { body, repeatable: true, asksOnly: true, requestId } as const;
    const waitOverMs = performance.now() + 1_000 * pollSeconds;
    return cancelResultIn(await this.#connections.inquire({ ...request, waitOverMs }));
  }

  async #ask(waitSeconds: number, signal?: AbortSignal): Promise<RequestView> {
    const { requestId } = this;
    const waitOverMs = Math.max(this.#waitOverMs, performance.now() + 1_000 * pollSeconds);
    const request = {
      body: requestBody(requestId, waitSeconds),
      repeatable: true,
      asksOnly: true,
      requestId,
      waitOverMs,
    } as const;
    return requestIn(await this.#connections.inquire(request, signal));
  }
}
