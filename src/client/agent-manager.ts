import { randomUUID } from "node:crypto";
import type {
  AnswerOf,
  Command,
  ErrorAnswer,
  StoppedByPreviousFailureAnswer,
  UnsupportedAnswer,
  Answer,
  WireCommand,
} from "../api/index.ts";
import type { CallRequest } from "./call.ts";
import { AgentManagerError } from "./errors.ts";
import { Link, type LinkState } from "./link.ts";

export interface AgentManagerOptions {
  /** Operator API of a gateway, such as http://127.0.0.1:8251; several are tried in turn. */
  readonly url: string | readonly string[];
  /** MUSTER_API_TOKEN of the gateways. */
  readonly token: string;
  /** PEM of a certificate authority to trust beside the system's. */
  readonly ca?: string | Buffer;
  /** Told of every change of a connection, for logs. */
  readonly onStateChange?: (from: LinkState, to: LinkState, why: string) => void;
}

export interface SendOptions {
  /** How long to wait for the Answer; by default what the Command's type says. */
  readonly waitSeconds?: number;
}
export interface DurableOptions extends SendOptions {
  /** Names the Request: asking again with the same id is the same Request. Made up when absent. */
  readonly requestId?: string;
}
export interface BatchOptions {
  /** After a Command that failed: `stop` (the default) answers the rest StoppedByPreviousFailure. */
  readonly onError?: "stop" | "continue";
}

/** The Answer to one Command: its own, or one that says why there is none. `result` says whether it succeeded. */
export type Reply<C extends Command> = AnswerOf<C> | ErrorAnswer | UnsupportedAnswer;
/** The Answers to a batch, in the order of its Commands. */
export type Replies<T extends readonly Command[]> = {
  readonly [K in keyof T]: Reply<T[K]> | StoppedByPreviousFailureAnswer;
};

/** Agents whose gateway is remembered for the direct lane. */
const homesMax = 10_000;

/**
 * Sends Commands to agents over one pipelined WebSocket that connects at the first call and comes back by itself.
 * An open connection keeps the process alive until `close()`.
 *
 * All calls reject with an AgentManagerError when the Command was refused or lost; a Command that failed on its host
 * resolves, with an Answer whose `result` is false.
 */
export class AgentManager {
  readonly #options: AgentManagerOptions;
  readonly #link: Link;
  /** Connections to the gateways that hold agents, for the direct lane. */
  readonly #others = new Map<string, Link>();
  readonly #homes = new Map<string, string>();

  constructor(options: AgentManagerOptions) {
    const urls = [options.url].flat();
    for (const url of urls) checkUrl(url);
    if (urls.length === 0) throw new TypeError("AgentManager needs the url of a gateway.");
    this.#options = options;
    this.#link = this.#newLink(urls);
  }

  /**
   * Sends a Command on the durable lane: it survives lost connections, gateways and workers, runs once at most, and
   * gets one Answer.
   */
  async send<C extends Command>(
    agentId: string,
    command: C,
    options: DurableOptions = {},
  ): Promise<Reply<C>> {
    const [answer] = await this.sendBatch(agentId, [command], options);
    return answer as Reply<C>;
  }

  /** Sends several Commands to one agent as one Request of the durable lane. */
  async sendBatch<const T extends readonly Command[]>(
    agentId: string,
    commands: T,
    { requestId = randomUUID(), ...options }: DurableOptions & BatchOptions = {},
  ): Promise<Replies<T>> {
    const request = { method: "send", agentId, requestId, ...wire(commands), ...options } as const;
    return (await this.#link.call(request)) as unknown as Replies<T>;
  }

  /**
   * Asks on the direct lane, past Temporal: fast, for read-only Commands only. When the connection is lost meanwhile, it
   * rejects and the outcome is unknown.
   */
  async ask<C extends Command>(
    agentId: string,
    command: C,
    options: SendOptions = {},
  ): Promise<Reply<C>> {
    const [answer] = await this.askBatch(agentId, [command], options);
    return answer as Reply<C>;
  }

  /** Asks several Commands of one agent as one Request of the direct lane. */
  async askBatch<const T extends readonly Command[]>(
    agentId: string,
    commands: T,
    options: SendOptions & BatchOptions = {},
  ): Promise<Replies<T>> {
    const request = { method: "ask", agentId, ...wire(commands), ...options } as const;
    return (await this.#askWhereItIs(request)) as unknown as Replies<T>;
  }

  /** Closes all connections; calls that wait reject with the code CLOSED. */
  async close(): Promise<void> {
    await Promise.all([this.#link, ...this.#others.values()].map((link) => link.close()));
  }

  /** A gateway that does not hold the agent says who does: the Request was not sent then, and goes there. */
  async #askWhereItIs(request: CallRequest): Promise<readonly Answer[]> {
    const { agentId } = request;
    const home = this.#homes.get(agentId);
    const link = home === undefined ? this.#link : this.#linkTo(home);
    try {
      return await link.call(request);
    } catch (error) {
      this.#homes.delete(agentId);
      const elsewhere =
        error instanceof AgentManagerError && error.code === "AGENT_ELSEWHERE"
          ? error.apiUrl
          : undefined;
      if (elsewhere === undefined || elsewhere === home || !this.#mayFollow(elsewhere)) throw error;
      if (this.#homes.size >= homesMax) this.#homes.clear();
      this.#homes.set(agentId, elsewhere);
      return await this.#linkTo(elsewhere).call(request);
    }
  }

  /** The token never goes from an encrypted connection to one that is not. */
  #mayFollow(url: string): boolean {
    const isPlain = [this.#options.url].flat().some((one) => one.startsWith("http:"));
    return URL.canParse(url) && (url.startsWith("https:") || isPlain);
  }

  #linkTo(url: string): Link {
    const known = this.#others.get(url);
    if (known !== undefined) return known;
    const link = this.#newLink([url]);
    this.#others.set(url, link);
    return link;
  }

  #newLink(urls: readonly string[]): Link {
    const { token, ca, onStateChange } = this.#options;
    return new Link({ urls, token, ca, onStateChange });
  }
}

/** Commands as they cross the wire. Ids are made here: a Request that is asked again must be the same. */
function wire(commands: readonly Command[]): { readonly commands: readonly WireCommand[] } {
  return {
    commands: commands.map((command) => ({
      ...(command as object),
      type: command.type,
      id: command.id ?? randomUUID(),
    })),
  };
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw new TypeError(`"${url}" is not the URL of an operator API: http(s)://host:port.`);
}
