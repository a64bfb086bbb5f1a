import type { Answer, Command, Reply } from "../api/index.ts";
import type { SelectedAgent } from "./agent-list.ts";
import { Arrivals } from "./arrivals.ts";
import { AgentManagerError } from "./errors.ts";
import {
  FleetTally,
  type FleetCounts,
  type FleetResult,
  type FleetSummary,
} from "./fleet-summary.ts";
import { onAbort } from "./on-abort.ts";

/** What a call of many agents asks of its AgentManager. */
export interface FleetPort {
  /** Pages of agents; throws when they can't be listed. */
  readonly agents: AsyncIterable<readonly SelectedAgent[]>;
  /** Rejects with an AgentManagerError, also for `signal`. */
  readonly call: (agent: SelectedAgent) => Promise<Answer | undefined>;
  readonly concurrency: number;
  readonly onError: "stop" | "continue";
  readonly signal?: AbortSignal | undefined;
}

/**
 * One Command on its way to many agents. It begins at once. Iterated, it gives each agent's result as it comes, once, to one
 * reader; leaving the loop stops nothing. `summary()` resolves when every agent has its result.
 *
 * Aborted, it begins no more, ends what is open as single calls do, and ends the iteration without an error: what there is
 * stays. Only a list of agents that can't be read makes iteration and summary throw.
 */
export class FleetCall<C extends Command> implements AsyncIterable<FleetResult<C>> {
  readonly #port: FleetPort;
  readonly #tally = new FleetTally();
  readonly #results = new Arrivals<FleetResult<C>>();
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  readonly #queue: SelectedAgent[] = [];
  #begun = 0;
  #open = 0;
  #isListed = false;
  #failure: AgentManagerError | undefined;
  /** Why no more calls are begun. */
  #stopped: AgentManagerError | undefined;

  constructor(port: FleetPort) {
    this.#port = port;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    void this.#run();
  }

  /** How far it is, for a progress bar. */
  get counts(): FleetCounts {
    return { agents: this.#queue.length, isListed: this.#isListed, ...this.#tally.counts };
  }

  /**
   * Waits for the end.
   * @throws AgentManagerError when the agents could not be listed.
   */
  async summary(): Promise<FleetSummary> {
    await this.#ended;
    if (this.#failure !== undefined) throw this.#failure;
    return this.#tally.summary(this.#stopped !== undefined);
  }

  [Symbol.asyncIterator](): AsyncGenerator<FleetResult<C>, void, undefined> {
    return this.#results[Symbol.asyncIterator]();
  }

  async #run(): Promise<void> {
    const { signal } = this.#port;
    const stop = (): void => {
      this.#stop("ABORTED", "The signal was aborted before the agent was called.", signal?.reason);
    };
    const forget = signal === undefined ? undefined : onAbort(signal, stop);
    if (signal?.aborted === true) stop();
    try {
      if (this.#stopped === undefined) await this.#list();
    } catch (error) {
      if (signal?.aborted !== true) this.#failure = error as AgentManagerError;
    }
    this.#isListed = true;
    this.#pump();
    await this.#ended;
    forget?.();
    this.#results.end(this.#failure);
  }

  async #list(): Promise<void> {
    for await (const page of this.#port.agents) {
      this.#queue.push(...page);
      this.#pump();
    }
  }

  #stop(code: string, message: string, cause?: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = new AgentManagerError(code, "notSent", message, { cause });
    this.#pump();
  }

  /** Begins as many calls as may be open; tells the end. */
  #pump(): void {
    while (this.#begun < this.#queue.length) {
      if (this.#stopped === undefined && this.#open >= this.#port.concurrency) break;
      const agent = this.#queue[this.#begun++];
      if (agent === undefined) break;
      if (this.#stopped === undefined) this.#call(agent);
      else this.#give({ agentId: agent.id, error: this.#stopped, tookMs: 0 });
    }
    if (this.#isListed && this.#open === 0 && this.#begun === this.#queue.length) this.#end();
  }

  #call(agent: SelectedAgent): void {
    const startedMs = performance.now();
    const agentId = agent.id;
    const settled = (result: Pick<FleetResult<C>, "answer" | "error">): void => {
      this.#open--;
      this.#give({ agentId, ...result, tookMs: performance.now() - startedMs } as FleetResult<C>);
      this.#pump();
    };
    this.#open++;
    this.#port.call(agent).then(
      (answer) => {
        settled({ answer: answer as Reply<C> });
      },
      (error: unknown) => {
        settled({ error: error as AgentManagerError });
      },
    );
  }

  #give(result: FleetResult<C>): void {
    const isDone = this.#tally.add(result);
    this.#results.push(result);
    if (!isDone && this.#port.onError === "stop") {
      this.#stop("STOPPED", "An agent before it failed, and the call was to stop there.");
    }
  }
}
