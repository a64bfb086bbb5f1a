/**
 * Any gateway serves any agent (DESIGN §8): a call for an agent that another gateway holds goes there, over one hop at most,
 * and keeps all promises of its lane. A route that turns out to be stale is looked up once more.
 */
import type { Answer } from "../../api/index.ts";
import type { Route } from "../../db/index.ts";
import type { Admission, CallerRequest, CommandLanes } from "../command-lanes.ts";
import { errorAnswers, noNewsAnswers } from "../error-answers.ts";
import { PeerLostError, RequestRefusedError } from "../errors.ts";
import type { PeerLink, PeerMethod, PeerReply } from "./peer-link.ts";
import type { Peers } from "./peers.ts";
import type { Routes } from "./routes.ts";

export interface ForwardingParts {
  readonly local: CommandLanes;
  readonly holds: (agentId: string) => boolean;
  readonly gatewayId: string;
  readonly routes: Routes;
  readonly peers: Peers;
}

/** The agent is not where the route said: another look may find it. */
const stale: ReadonlySet<string> = new Set(["AGENT_ELSEWHERE", "AGENT_NOT_CONNECTED", "NOT_READY"]);

export class ForwardingLanes implements CommandLanes {
  readonly #parts: ForwardingParts;
  /** Calls that were forwarded, ever. */
  forwarded = 0;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
  }

  /** Hot path for agents of this gateway: their Request is written before this returns. */
  sendDirect(agentId: string, request: CallerRequest): Promise<readonly Answer[]> {
    const { holds, local } = this.#parts;
    return holds(agentId)
      ? local.sendDirect(agentId, request)
      : this.#sendElsewhere(agentId, request);
  }

  async #sendElsewhere(agentId: string, request: CallerRequest): Promise<readonly Answer[]> {
    const { local, routes } = this.#parts;
    for (const isLast of [false, true]) {
      const link = await this.#linkFor(agentId);
      try {
        if (link === undefined) return await local.sendDirect(agentId, request);
        return answersOf(await this.#forward(link, "ask", agentId, request));
      } catch (error) {
        routes.forget(agentId);
        if (error instanceof PeerLostError && error.written) {
          return errorAnswers(request.commands, "unknown", "PEER_LOST", error.message);
        }
        const again = link === undefined ? isElsewhere(error) : isStale(error);
        if (isLast || !again) throw asRefusal(error);
      }
    }
    throw new Error("unreachable: the last try returns or throws");
  }

  /** A Request whose way is lost goes through its lifecycle: with the same id it is the same Request. */
  async sendDurable(agentId: string, request: CallerRequest): Promise<readonly Answer[]> {
    const { local, peers } = this.#parts;
    const forwarded = await this.#tryDurable(agentId, request, "send");
    if (forwarded !== undefined) return answersOf(forwarded);
    if (peers.isClosed) return noNewsAnswers(request, "This gateway stops.");
    return await local.sendDurable(agentId, request);
  }

  async submitDurable(agentId: string, request: CallerRequest): Promise<Admission> {
    const forwarded = await this.#tryDurable(agentId, request, "submit");
    return forwarded === undefined
      ? await this.#parts.local.submitDurable(agentId, request)
      : (forwarded as unknown as Admission);
  }

  awaitSettled(...args: Parameters<CommandLanes["awaitSettled"]>) {
    return this.#parts.local.awaitSettled(...args);
  }

  async #tryDurable(
    agentId: string,
    request: CallerRequest,
    method: "send" | "submit",
  ): Promise<PeerReply | undefined> {
    // A caller who wants to hear of the admission itself is told by the lifecycle: a peer only tells of the end.
    const link = request.onAdmitted === undefined ? await this.#linkFor(agentId) : undefined;
    if (link === undefined) return undefined;
    try {
      return await this.#forward(link, method, agentId, request);
    } catch (error) {
      if (error instanceof PeerLostError || isOutage(error)) {
        this.#parts.routes.forget(agentId);
        return undefined;
      }
      throw error;
    }
  }

  async #forward(
    link: PeerLink,
    method: PeerMethod,
    agentId: string,
    request: CallerRequest,
  ): Promise<PeerReply> {
    this.forwarded++;
    // A durable Request goes on without its caller, who may ask for it again: it is only ended by a cancel that names it.
    const onBegun = (leave: (reason: string) => void) => request.onOpen?.({ leave });
    return await link.call(method, agentId, request, method === "ask" ? onBegun : undefined);
  }

  /** The link to whoever holds the agent; undefined when this gateway does, or nobody, or nobody knows. */
  async #linkFor(agentId: string): Promise<PeerLink | undefined> {
    const { holds, routes, peers, gatewayId } = this.#parts;
    if (holds(agentId)) return undefined;
    let route: Route | undefined;
    try {
      route = await routes.find(agentId);
    } catch {
      // Without PostgreSQL the lane itself says what can be done.
      return undefined;
    }
    return route === undefined || route.gatewayId === gatewayId ? undefined : peers.linkTo(route);
  }
}

function answersOf({ answers }: PeerReply): readonly Answer[] {
  if (answers === undefined) throw new Error("A peer replied without Answers.");
  return answers;
}

function isStale(error: unknown): boolean {
  if (error instanceof PeerLostError) return true;
  return error instanceof RequestRefusedError && stale.has(error.code);
}

/** It moved on while it was looked for here. */
function isElsewhere(error: unknown): boolean {
  return error instanceof RequestRefusedError && error.code === "AGENT_ELSEWHERE";
}

/** The peer could not say whether it took the Request: its lifecycle knows. */
function isOutage(error: unknown): boolean {
  return (
    error instanceof RequestRefusedError &&
    (error.code === "MANAGER_UNAVAILABLE" || error.code === "NOT_READY")
  );
}

/** Nothing was sent: the gateway that holds the agent can't be reached from here. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof PeerLostError)) return error;
  return new RequestRefusedError(
    "MANAGER_UNAVAILABLE",
    `${error.message} The agent can't be asked from here now: nothing was sent, try again.`,
    { cause: error },
  );
}
