import { randomUUID } from "node:crypto";
import type { Answer, Command, Replies, Reply } from "../api/index.ts";
import { checkSelection, selectAgents, type AgentSelection } from "./agent-list.ts";
import { ApiReader } from "./api-reader.ts";
import { BatchCall } from "./batch-call.ts";
import { batchBody, requestBody, waitMsOf, type BatchFields } from "./call-bodies.ts";
import { callerOf, type CommandForEach } from "./call-one-of-many.ts";
import type { EarlyAnswer } from "./call.ts";
import { Connections } from "./connections.ts";
import { FleetCall } from "./fleet-call.ts";
import type { LinkState } from "./link.ts";
import { RequestHandle } from "./request-handle.ts";
import { admissionIn, requestIn } from "./socket-messages.ts";

export interface AgentManagerOptions {
  /** Operator API of a gateway, such as http://127.0.0.1:8251; several are tried in turn. */
  readonly url: string | readonly string[];
  /** MUSTER_API_TOKEN of the gateways. */
  readonly token: string;
  /** PEM of a certificate authority to trust beside the system's. */
  readonly ca?: string | Buffer;
  /** A gateway that says nothing for so long, though it was pinged, is taken for gone. Default 10,000. */
  readonly silenceMs?: number;
  /** Told of every change of a connection, for logs. */
  readonly onStateChange?: (from: LinkState, to: LinkState, why: string) => void;
}

export interface SendOptions {
  /** How long to wait for the Answer; by default what the Command's type says. */
  readonly waitSeconds?: number | undefined;
  /**
   * Aborts the call. Before anything was sent it rejects: ABORTED, `notSent`. Later, on the direct lane, it rejects at once
   * (ABORTED, `unknown`) and the agent's resource is told; on the durable lane the Request is cancelled, and the call settles
   * with the one Answer of each Command, or rejects (ABORTED, `unknown`) when they are not there within five seconds.
   */
  readonly signal?: AbortSignal | undefined;
}
export interface DurableOptions extends SendOptions {
  /** Names the Request: asking again with the same id is the same Request. Made up when absent. */
  readonly requestId?: string | undefined;
}
export interface BatchOptions {
  /** After a Command that failed: `stop` (the default) answers the rest StoppedByPreviousFailure. */
  readonly onError?: "stop" | "continue" | undefined;
}
export interface FleetOptions extends SendOptions {
  /** Calls that may be open at once. Default: 1,000 on the direct lane, 100 on the durable one. */
  readonly concurrency?: number | undefined;
  /** When an agent fails or is missing: `stop` begins no more calls. Default: `continue`. */
  readonly onError?: "stop" | "continue" | undefined;
}

export interface DurableFleetOptions extends FleetOptions {
  /** Names the Request of each agent, as `requestId` does for one. Made up when absent. */
  readonly requestIdOf?: ((agentId: string) => string) | undefined;
}

/** Enough to keep gateways busy; what is open beyond that only waits, and is lost together. */
const concurrencyDefault = { ask: 1_000, send: 100 } as const;

/**
 * Sends Commands to agents over one pipelined WebSocket that connects at the first call and comes back by itself.
 * An open connection keeps the process alive until `close()`.
 *
 * All calls reject with an AgentManagerError when the Command was refused or lost; a Command that failed on its host
 * resolves, with an Answer whose `result` is false.
 */
export class AgentManager {
  readonly #connections: Connections;
  readonly #api: ApiReader;

  constructor({ url, ...options }: AgentManagerOptions) {
    const urls = [url].flat();
    for (const one of urls) checkUrl(one);
    if (urls.length === 0) throw new TypeError("AgentManager needs the url of a gateway.");
    this.#connections = new Connections({ ...options, urls });
    this.#api = new ApiReader({ ...options, urls });
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
    const [answer] = await this.#send(agentId, [command], options);
    return answer as Reply<C>;
  }

  /** Sends several Commands to one agent as one Request of the durable lane. Await it, or iterate it to see progress. */
  sendBatch<const T extends readonly Command[]>(
    agentId: string,
    commands: T,
    options: DurableOptions & BatchOptions = {},
  ): BatchCall<T> {
    return new BatchCall(commands, (onEarly) => this.#send(agentId, commands, options, onEarly));
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
    const [answer] = await this.#ask(agentId, [command], options);
    return answer as Reply<C>;
  }

  /** Asks several Commands of one agent as one Request of the direct lane. Await it, or iterate it to see progress. */
  askBatch<const T extends readonly Command[]>(
    agentId: string,
    commands: T,
    options: SendOptions & BatchOptions = {},
  ): BatchCall<T> {
    return new BatchCall(commands, (onEarly) => this.#ask(agentId, commands, options, onEarly));
  }

  /**
   * Sends a Command to many agents on the durable lane, each with a Request of its own. Give the agents' ids, or say what they
   * are: `{ zone: "z1", type: "kvm" }`, `{ all: true }`. Iterate it for results as they come, `summary()` waits for the end.
   */
  sendAll<C extends Command>(
    agents: AgentSelection,
    command: CommandForEach<C>,
    options: DurableFleetOptions = {},
  ): FleetCall<C> {
    return this.#callAll("send", agents, command, options);
  }

  /** As `sendAll`, on the direct lane: read-only Commands, straight to the gateways that hold the agents. */
  askAll<C extends Command>(
    agents: AgentSelection,
    command: CommandForEach<C>,
    options: FleetOptions = {},
  ): FleetCall<C> {
    return this.#callAll("ask", agents, command, options);
  }

  /**
   * Sends a Command on the durable lane and does not wait for its Answer: resolves once the Request is admitted. From then on
   * it goes on whatever becomes of this process.
   */
  async submit<C extends Command>(
    agentId: string,
    command: C,
    options: DurableOptions = {},
  ): Promise<RequestHandle<Reply<C>>> {
    return await this.#submit(agentId, [command], options, ([answer]) => answer as Reply<C>);
  }

  /** As `submit`, several Commands as one Request. */
  async submitBatch<const T extends readonly Command[]>(
    agentId: string,
    commands: T,
    options: DurableOptions & BatchOptions = {},
  ): Promise<RequestHandle<Replies<T>>> {
    const typed = (answers: readonly Answer[]) => answers as unknown as Replies<T>;
    return await this.#submit(agentId, commands, options, typed);
  }

  /**
   * The handle of a Request that was sent before, by whatever process.
   * @throws AgentManagerError REQUEST_UNKNOWN when there is none of that id, or none any more.
   */
  async request(
    requestId: string,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RequestHandle> {
    const body = requestBody(requestId, 0);
    const request = { body, repeatable: true, asksOnly: true, requestId } as const;
    const waitOverMs = performance.now() + lookUpMs;
    const reply = await this.#connections.inquire({ ...request, waitOverMs }, signal);
    const { agentId, waitLeftMs = 0, ...view } = requestIn(reply);
    const admission = { ...view, requestId, waitMs: waitLeftMs };
    return new RequestHandle(this.#connections, agentId, admission, (answers) => answers);
  }

  /** Closes all connections; calls that wait reject with the code CLOSED. */
  async close(): Promise<void> {
    this.#api.close();
    await this.#connections.close();
  }

  #callAll<C extends Command>(
    method: "send" | "ask",
    agents: AgentSelection,
    command: CommandForEach<C>,
    options: DurableFleetOptions,
  ): FleetCall<C> {
    const { signal, concurrency = concurrencyDefault[method], onError = "continue" } = options;
    checkSelection(agents);
    if (!(concurrency >= 1)) throw new TypeError("concurrency must be 1 or more.");
    return new FleetCall({
      agents: selectAgents(this.#api, agents, signal),
      call: callerOf(method, this.#connections, command, options),
      concurrency,
      onError,
      signal,
    });
  }

  async #send(
    agentId: string,
    commands: readonly Command[],
    { signal, requestId = randomUUID(), ...fields }: DurableOptions & BatchOptions,
    onEarly?: (early: EarlyAnswer) => void,
  ): Promise<readonly Answer[]> {
    const request = requestOf("send", agentId, commands, { ...fields, requestId }, onEarly);
    return await this.#connections.send({ ...request, requestId }, signal);
  }

  async #ask(
    agentId: string,
    commands: readonly Command[],
    { signal, ...fields }: SendOptions & BatchOptions,
    onEarly?: (early: EarlyAnswer) => void,
  ): Promise<readonly Answer[]> {
    const request = requestOf("ask", agentId, commands, fields, onEarly);
    return await this.#connections.ask(agentId, request, signal);
  }

  async #submit<R>(
    agentId: string,
    commands: readonly Command[],
    { signal, requestId = randomUUID(), ...fields }: DurableOptions & BatchOptions,
    resultOf: (answers: readonly Answer[]) => R,
  ): Promise<RequestHandle<R>> {
    const request = requestOf("submit", agentId, commands, { ...fields, requestId });
    const reply = await this.#connections.submit({ ...request, requestId }, signal);
    return new RequestHandle(this.#connections, agentId, admissionIn(reply), resultOf);
  }
}

/** How long a gateway is looked for that can be asked about a Request. */
const lookUpMs = 30_000;

function requestOf(
  method: "send" | "ask" | "submit",
  agentId: string,
  commands: readonly Command[],
  fields: BatchFields,
  onEarly?: (early: EarlyAnswer) => void,
) {
  if (commands.length === 0) throw new TypeError("A Request needs at least one Command.");
  const body = batchBody(method, agentId, commands, {
    ...fields,
    ...(onEarly !== undefined && { progress: true }),
  });
  return {
    body,
    repeatable: method !== "ask",
    waitOverMs: performance.now() + waitMsOf(commands, fields.waitSeconds),
    ...(onEarly !== undefined && { onProgress: onEarly }),
  };
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw new TypeError(`"${url}" is not the URL of an operator API: http(s)://host:port.`);
}
