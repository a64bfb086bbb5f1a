/**
 * The durable lane: a Request goes through its agent's lifecycle, which numbers it, remembers it and settles it once.
 * This side only carries: to the lifecycle, to the socket, back to the caller.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import type {
  AdmitMessage,
  AdmitResult,
  DurableRequest,
  GatewayRef,
  RequestView,
  UndeliveredMessage,
} from "../workflows/agent-messages.ts";
import type { CallerRequest } from "./command-lanes.ts";
import { waitMsOf } from "./direct-lane.ts";
import { DurableWaiters, type Waiter } from "./durable-waiters.ts";
import { errorAnswers } from "./error-answers.ts";
import { LifecycleGoneError, RequestRefusedError } from "./errors.ts";
import type { PassingObserver } from "./hooks/gateway-hooks.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** How long after the wait the lifecycle may take to say what became of a Request. */
const graceMs = 3_000;
const admitRetryMs = { first: 100, most: 1_000 };
const queryMs = 2_000;

/** What the lane asks of its gateway. */
export interface DurablePort {
  /** Gives the agent that a request id belongs to; throws RequestRefusedError when Postgres does not answer. */
  noteRequest(requestId: string, agentId: string): Promise<string>;
  admit(
    agentId: string,
    message: AdmitMessage,
    updateId: string,
    withinMs: number,
  ): Promise<AdmitResult>;
  request(agentId: string, requestId: string, withinMs: number): Promise<RequestView | null>;
  undelivered(agentId: string, message: UndeliveredMessage): void;
  /** The refusal for an agent without a lifecycle. */
  whyNoLifecycle(agentId: string): Promise<RequestRefusedError>;
}

export class DurableLane {
  readonly #sessions: Sessions;
  readonly #self: { ref(): GatewayRef };
  readonly #port: DurablePort;
  readonly #log: Log;
  readonly #passing: PassingObserver | undefined;
  readonly #waiters = new DurableWaiters();
  requests = 0;

  constructor(parts: {
    sessions: Sessions;
    self: { ref(): GatewayRef };
    port: DurablePort;
    log: Log;
    passing: PassingObserver | undefined;
  }) {
    this.#sessions = parts.sessions;
    this.#self = parts.self;
    this.#port = parts.port;
    this.#log = parts.log;
    this.#passing = parts.passing;
  }

  /** Callers that wait here. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** One Answer for each Command, in order, within the wait and a small grace; or a RequestRefusedError. */
  async send(agentId: string, request: CallerRequest): Promise<readonly Answer[]> {
    this.requests++;
    const startedMs = performance.now();
    const owner = await this.#port.noteRequest(request.requestId, agentId);
    if (owner !== agentId) {
      throw new RequestRefusedError(
        "REQUEST_ID_TAKEN",
        `Request id ${request.requestId} was used for agent ${owner} before: give each Request an id of its own.`,
      );
    }
    const session = this.#sessions.find(agentId);
    const waitMs = waitMsOf(request, session?.host.commandTypes);
    return await new Promise((resolve, reject) => {
      const settled = new AbortController();
      const { requestId } = request;
      const settle = (answers: readonly Answer[]): void => {
        settled.abort();
        resolve(answers);
      };
      const giveUp = (why: string): void => {
        const details = `${why} Ask for request ${requestId}, or send it again with this id.`;
        settle(errorAnswers(request.commands, "unknown", "NO_NEWS", details));
      };
      const waitOverMs = startedMs + waitMs;
      const waiter = { agentId, requestId, seq: undefined, startedMs, waitOverMs, settle, giveUp };
      this.#waiters.add(waiter);
      this.#carry(waiter, request, session, settled.signal)
        .catch(reject)
        .finally(() => {
          this.#waiters.remove(waiter);
        });
    });
  }

  /** The Answers to a Request that the agent gave and the lifecycle has, straight to whoever waits for them here. */
  onAnswered(
    agentId: string,
    seq: number,
    requestId: string | undefined,
    answers: readonly Answer[],
  ): void {
    const waiters =
      requestId === undefined
        ? this.#waiters.ofSeq(agentId, seq)
        : this.#waiters.ofRequest(requestId);
    for (const waiter of waiters) {
      // Past its wait the lifecycle may have settled otherwise: its word is asked for at the end of the grace.
      if (performance.now() < waiter.waitOverMs) waiter.settle(answers);
      else void this.#settleByRecord(waiter);
    }
  }

  /** Answers that the lifecycle settled elsewhere: by its deadline, a cancel, or another gateway. */
  onReply(requestId: string, answers: readonly Answer[]): void {
    for (const waiter of this.#waiters.ofRequest(requestId)) waiter.settle(answers);
  }

  /** The gateway stops: callers are told how to learn the rest. */
  close(): void {
    for (const waiter of this.#waiters.all()) waiter.giveUp("This gateway stops.");
  }

  /** Writes a Request to a session's socket. False: certainly not written. */
  hand(session: Session, request: DurableRequest): boolean {
    const { requestId, seq, commands, onError, inSequence, after, waitMs } = request;
    const commandIds = commands.map((command) => command.id);
    const sent = session.socket.send({
      v: 1,
      kind: "request",
      lane: "durable",
      seq,
      commands,
      onError,
      inSequence,
      waitMs,
      ...(after !== undefined && { after }),
    });
    if (!sent) return false;
    session.noteHanded(seq, { requestId, commandIds });
    this.#passing?.onCommands(session, "durable", seq, commands);
    return true;
  }

  /** Stays with a waiter until it is settled. */
  async #carry(
    waiter: Waiter,
    request: CallerRequest,
    session: Session | undefined,
    settled: AbortSignal,
  ): Promise<void> {
    const gateway = this.#self.ref();
    const via = session?.takesCommands === true ? session : undefined;
    const result = await this.#admit(waiter, settled, {
      requestId: request.requestId,
      commands: request.commands,
      onError: request.onError,
      ...(request.waitSeconds !== undefined && { waitSeconds: request.waitSeconds }),
      ...(via !== undefined && { via: { ...gateway, epoch: via.epoch } }),
      replyTo: { type: "gateway", gatewayId: gateway.gatewayId },
    });
    if (result !== undefined) this.#onAdmitted(waiter, result, via);
    await this.#outwait(waiter, settled);
    if (settled.aborted) return;
    // The first word counts: after the record's Answers these change nothing.
    await this.#settleByRecord(waiter);
    waiter.giveUp("The manager could not say in time what became of it.");
  }

  /** Asks until the wait is over; undefined then. */
  async #admit(
    waiter: Waiter,
    settled: AbortSignal,
    message: AdmitMessage,
  ): Promise<AdmitResult | undefined> {
    // One id for each asking: tries of it are one, while a caller who asks again gets today's answer.
    const updateId = `${waiter.requestId}/${randomUUID()}`;
    let retryMs = admitRetryMs.first;
    while (!settled.aborted) {
      const leftMs = waiter.waitOverMs - performance.now();
      if (leftMs <= 0) return undefined;
      try {
        return await this.#port.admit(waiter.agentId, message, updateId, leftMs);
      } catch (error) {
        if (error instanceof RequestRefusedError) throw error;
        if (error instanceof LifecycleGoneError) {
          throw await this.#port.whyNoLifecycle(waiter.agentId);
        }
        this.#log.debug(
          { agentId: waiter.agentId, requestId: waiter.requestId, err: error },
          "admit will be retried",
        );
      }
      await sleep(Math.min(retryMs, leftMs), undefined, { signal: settled }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, admitRetryMs.most);
    }
    return undefined;
  }

  #onAdmitted(waiter: Waiter, result: AdmitResult, via: Session | undefined): void {
    if (result.state === "settled") {
      waiter.settle(result.answers);
      return;
    }
    const { seq, waitMs } = result.deliver === "caller" ? result.request : result;
    waiter.seq = seq;
    // Counted from before the asking: the lifecycle's own deadline is never earlier.
    waiter.waitOverMs = waiter.startedMs + waitMs;
    if (result.deliver === "workflow") return;
    if (via?.takesCommands === true && this.hand(via, result.request)) return;
    this.#port.undelivered(waiter.agentId, {
      epoch: via?.epoch ?? 0,
      seqs: [result.request.seq],
      reason: "The socket closed before the Request was written.",
    });
  }

  /** Until the Answers are here, or the wait and the grace are over. */
  async #outwait(waiter: Waiter, settled: AbortSignal): Promise<void> {
    if (settled.aborted) return;
    const leftMs = Math.max(0, waiter.waitOverMs + graceMs - performance.now());
    await new Promise<void>((resolve) => {
      // Nearly every one is cut short, and a `sleep` that is aborted makes an error with its stack.
      const timer = setTimeout(resolve, leftMs);
      const stop = (): void => {
        clearTimeout(timer);
        resolve();
      };
      settled.addEventListener("abort", stop, { once: true });
    });
  }

  async #settleByRecord(waiter: Waiter): Promise<void> {
    try {
      const view = await this.#port.request(waiter.agentId, waiter.requestId, queryMs);
      if (view?.answers !== undefined) waiter.settle(view.answers);
    } catch (error) {
      this.#log.warn(
        { agentId: waiter.agentId, requestId: waiter.requestId, err: error },
        "the record of a Request could not be read",
      );
    }
  }
}
