/** The Requests of one lane that are taken up and not answered, and the work on them. */
import type { Log } from "../telemetry/log.ts";
import type { RequestFrame } from "../wire/frames.ts";
import { OpenRequest, RequestOverError } from "./open-request.ts";
import type { ResourceSet } from "./resource-set.ts";

export class OpenRequests {
  readonly #resources: ResourceSet;
  readonly #log: Log;
  readonly #open = new Set<OpenRequest>();
  readonly #running = new Set<Promise<void>>();
  #stopping = false;

  constructor(resources: ResourceSet, log: Log) {
    this.#resources = resources;
    this.#log = log;
  }

  /** How many are not answered. */
  get size(): number {
    return this.#open.size;
  }

  /** The agent stops: nothing more is taken up. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /**
   * Takes one up. Its wait is what the frame says, else the longest of its Command types.
   * @param onOver called when it is over early.
   */
  open(frame: RequestFrame, onOver: (request: OpenRequest) => void): OpenRequest {
    const ownWaitMs = () =>
      1_000 *
      Math.max(...frame.commands.map(({ type }) => this.#resources.traitsOf(type).waitSeconds));
    const request = new OpenRequest(frame, frame.waitMs ?? ownWaitMs(), () => {
      if (!this.#stopping) onOver(request);
    });
    this.#open.add(request);
    return request;
  }

  /** It is answered. */
  settle(request: OpenRequest): void {
    request.settled();
    this.#open.delete(request);
  }

  /** Those that are not answered. */
  [Symbol.iterator](): Iterator<OpenRequest> {
    return this.#open.values();
  }

  /** Keeps sight of work until it has ended. Gives a promise that never rejects. */
  track(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((error: unknown) => {
        this.#log.error({ err: error }, "a Request broke the agent");
      })
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  /** Takes up nothing more and aborts what runs. Resolves when all work has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const request of this.#open) {
      request.settled();
      request.end(new RequestOverError("AGENT_STOPS", "The agent stops"));
    }
    await Promise.all(this.#running);
  }
}
