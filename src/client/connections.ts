/** The connections of an AgentManager, and the ways of a call over them. */
import type { Answer } from "../api/index.ts";
import type { CallRequest } from "./call.ts";
import { cancelInBackground, settleAborted } from "./cancel-request.ts";
import { AgentManagerError } from "./errors.ts";
import { Link, type LinkOptions, type LinkState } from "./link.ts";
import { onAbort, reasonText } from "./on-abort.ts";
import { answersIn, type SocketReply } from "./socket-messages.ts";

export interface ConnectionsOptions extends Omit<LinkOptions, "isPatient" | "onStateChange"> {
  /** Told of every change of a connection, for logs. */
  readonly onStateChange?: ((from: LinkState, to: LinkState, why: string) => void) | undefined;
}

/** Agents whose gateway is remembered for the direct lane. */
const homesMax = 100_000;
/** For so long a gateway that could not be reached is not tried: the others pass calls on to it. */
const restMs = 30_000;

export class Connections {
  readonly #options: ConnectionsOptions;
  /** To any gateway: all can do everything, but for the direct lane. */
  readonly #main: Link;
  /** To the gateways that hold agents, for the direct lane. */
  readonly #others = new Map<string, Link>();
  /** The operator API of the gateway that holds an agent, where that is known. */
  readonly #homes = new Map<string, string>();
  /** Until when a gateway is left alone, by its operator API. It may be reachable for other gateways only. */
  readonly #restsUntilMs = new Map<string, number>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#main = new Link({ ...options, isPatient: true });
  }

  /** Calls that wait for their reply. */
  get waiting(): number {
    let waiting = this.#main.waiting;
    for (const link of this.#others.values()) waiting += link.waiting;
    return waiting;
  }

  /** Where an agent is, for its next call of the direct lane. */
  learnHome(agentId: string, apiUrl: string): void {
    if (!this.#mayFollow(apiUrl)) return;
    if (this.#homes.size >= homesMax) {
      for (const [oldest] of this.#homes) {
        this.#homes.delete(oldest);
        break;
      }
    }
    this.#homes.set(agentId, apiUrl);
  }

  /**
   * A call of the direct lane: straight to the gateway that holds the agent. One that does not hold it says who does: the
   * Request was not sent then, and goes there. Aborted, it rejects at once, and the agent is told.
   */
  async ask(
    agentId: string,
    request: CallRequest,
    signal?: AbortSignal,
  ): Promise<readonly Answer[]> {
    const asked = new Set<string | undefined>();
    let at = this.#homeOf(agentId);
    for (;;) {
      asked.add(at);
      try {
        return answersIn(await this.#replyOrAbort(this.#linkTo(at), request, signal));
      } catch (error) {
        this.#homes.delete(agentId);
        const next = this.#whereNext(error, at);
        if (at !== undefined && next !== undefined && next.url === undefined) {
          this.#restsUntilMs.set(at, performance.now() + restMs);
        }
        if (next === undefined || asked.has(next.url)) throw error;
        at = next.url;
        if (at !== undefined) this.learnHome(agentId, at);
      }
    }
  }

  /**
   * A call of the durable lane that waits for its Answers. Aborted, its Request is cancelled, and it settles with the one
   * Answer of each Command; see `settleAborted`.
   */
  async send(
    request: CallRequest & { readonly requestId: string },
    signal?: AbortSignal,
  ): Promise<readonly Answer[]> {
    refuseAborted(signal);
    const link = this.#main;
    const call = link.call(request);
    if (signal === undefined) return answersIn(await call.reply);
    const { requestId } = request;
    return await new Promise((resolve, reject) => {
      const forget = onAbort(signal, () => {
        settleAborted({ link, call, requestId, signal }).then(resolve, reject);
      });
      const unlessAborted =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          forget();
          if (!signal.aborted) settle(value);
        };
      call.reply.then(answersIn).then(unlessAborted(resolve), unlessAborted(reject));
    });
  }

  /** Has a Request admitted. Aborted, it rejects at once, and what may have been admitted is cancelled. */
  async submit(
    request: CallRequest & { readonly requestId: string },
    signal?: AbortSignal,
  ): Promise<SocketReply> {
    refuseAborted(signal);
    const link = this.#main;
    const call = link.call(request);
    if (signal === undefined) return await call.reply;
    const { requestId } = request;
    const forget = onAbort(signal, () => {
      if (call.timesSent > 0) cancelInBackground({ link, requestId, signal });
      link.withdraw(call, "ABORTED", "The signal was aborted.", signal.reason);
    });
    return await call.reply.finally(forget);
  }

  /** A call about a Request. Aborted, it rejects at once and changes nothing. */
  async inquire(request: CallRequest, signal?: AbortSignal): Promise<SocketReply> {
    return await this.#replyOrAbort(this.#main, request, signal);
  }

  /** Calls that wait reject with the code CLOSED. */
  async close(): Promise<void> {
    await Promise.all([this.#main, ...this.#others.values()].map((link) => link.close()));
  }

  async #replyOrAbort(
    link: Link,
    request: CallRequest,
    signal: AbortSignal | undefined,
  ): Promise<SocketReply> {
    if (signal === undefined) return await link.call(request).reply;
    refuseAborted(signal, request);
    const call = link.call(request);
    const forget = onAbort(signal, () => {
      if (!request.repeatable) link.cancelCall(call, reasonText(signal));
      link.withdraw(call, "ABORTED", "The signal was aborted.", signal.reason);
    });
    return await call.reply.finally(forget);
  }

  #homeOf(agentId: string): string | undefined {
    const home = this.#homes.get(agentId);
    if (home === undefined) return undefined;
    return performance.now() < (this.#restsUntilMs.get(home) ?? 0) ? undefined : home;
  }

  /** Where a call that was certainly not sent to its agent may go instead; without url: over the main connection. */
  #whereNext(
    error: unknown,
    at: string | undefined,
  ): { readonly url: string | undefined } | undefined {
    if (!(error instanceof AgentManagerError) || error.outcome !== "notSent") return undefined;
    const { code, apiUrl } = error;
    if (code === "AGENT_ELSEWHERE") {
      return apiUrl !== undefined && this.#mayFollow(apiUrl) ? { url: apiUrl } : undefined;
    }
    const isGatewayAway = code === "NOT_CONNECTED" || code === "NOT_READY";
    return isGatewayAway && at !== undefined ? { url: undefined } : undefined;
  }

  /** The token never goes from an encrypted connection to one that is not. */
  #mayFollow(url: string): boolean {
    const isPlain = this.#options.urls.some((one) => one.startsWith("http:"));
    return URL.canParse(url) && (url.startsWith("https:") || isPlain);
  }

  #linkTo(url: string | undefined): Link {
    if (url === undefined) return this.#main;
    const known = this.#others.get(url);
    if (known !== undefined) return known;
    if (originOf(this.#main.url) === originOf(url)) return this.#main;
    const link = new Link({ ...this.#options, urls: [url], isPatient: false });
    this.#others.set(url, link);
    return link;
  }
}

/** Names a gateway, however its URL is written. */
function originOf(url: string): string {
  return new URL(url).origin;
}

/** @throws AgentManagerError ABORTED for a signal that is aborted before anything is sent. */
function refuseAborted(signal: AbortSignal | undefined, { asksOnly }: Partial<CallRequest> = {}) {
  if (signal?.aborted !== true) return;
  const message = "The signal was aborted before anything was sent.";
  const outcome = asksOnly === true ? "unknown" : "notSent";
  throw new AgentManagerError("ABORTED", outcome, message, { cause: signal.reason });
}
