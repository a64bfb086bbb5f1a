/**
 * Looks at the records of Requests that callers here wait for while another gateway holds their agent, or none does. One
 * look serves all who wait for a Request, and looks are few whatever the number of Requests: each wakes a workflow.
 */
import type { Log } from "../telemetry/log.ts";
import type { RequestView } from "../workflows/agent-messages.ts";

/** Between two looks at one record. */
const everyMs = 2_000;
/** Of an agent whose session is here only what the lifecycle does by itself has to be found by looking. */
const everyMsHeldHere = 10_000;
const tickMs = 100;
/** Looks begun in one tick: 50 a second for a gateway. */
const looksInTick = 5;
const looksAtOnce = 32;
const queryMs = 2_000;

export interface RecordWatchPort {
  request(agentId: string, requestId: string, withinMs: number): Promise<RequestView | null>;
  isHeldHere(agentId: string): boolean;
}

interface Watch {
  readonly agentId: string;
  readonly requestId: string;
  readonly watchers: Set<(view: RequestView) => void>;
  dueMs: number;
  lookedAtMs: number;
  looking: boolean;
  /** When the lifecycle settles it at the latest. */
  settlesByMs: number;
}

export class RecordWatch {
  readonly #port: RecordWatchPort;
  readonly #log: Log;
  readonly #byRequest = new Map<string, Watch>();
  /** The same in the order in which they are due: every one that had its turn goes to the end. */
  readonly #queue = new Set<Watch>();
  #looking = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(port: RecordWatchPort, log: Log) {
    this.#port = port;
    this.#log = log;
  }

  get size(): number {
    return this.#byRequest.size;
  }

  /**
   * Tells what the record says, now and then, until it is settled or the function that this gives is called.
   * @param settlesByMs when the lifecycle settles it at the latest, by the process's monotonic clock.
   */
  watch(
    { agentId, requestId }: Pick<Watch, "agentId" | "requestId">,
    settlesByMs: number,
    onView: (view: RequestView) => void,
  ): () => void {
    const nowMs = performance.now();
    const watch: Watch = this.#byRequest.get(requestId) ?? {
      agentId,
      requestId,
      watchers: new Set(),
      dueMs: nowMs + everyMs,
      lookedAtMs: nowMs,
      looking: false,
      settlesByMs,
    };
    this.#byRequest.set(requestId, watch);
    this.#queue.add(watch);
    watch.watchers.add(onView);
    this.#timer ??= setInterval(() => {
      this.#tick();
    }, tickMs);
    return () => {
      watch.watchers.delete(onView);
      if (watch.watchers.size === 0) this.#remove(watch);
    };
  }

  #remove(watch: Watch): void {
    if (this.#byRequest.get(watch.requestId) === watch) this.#byRequest.delete(watch.requestId);
    this.#queue.delete(watch);
    if (this.#queue.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = performance.now();
    let begun = 0;
    for (const watch of this.#queue) {
      if (watch.dueMs > nowMs || begun >= looksInTick || this.#looking >= looksAtOnce) return;
      this.#queue.delete(watch);
      watch.dueMs = nowMs + everyMs;
      this.#queue.add(watch);
      if (!this.#isWorthALook(watch, nowMs)) continue;
      begun++;
      void this.#look(watch);
    }
  }

  #isWorthALook({ agentId, lookedAtMs, looking, settlesByMs }: Watch, nowMs: number): boolean {
    if (looking) return false;
    if (nowMs > settlesByMs || nowMs - lookedAtMs >= everyMsHeldHere) return true;
    return !this.#port.isHeldHere(agentId);
  }

  async #look(watch: Watch): Promise<void> {
    const { agentId, requestId } = watch;
    this.#looking++;
    watch.looking = true;
    try {
      const view = await this.#port.request(agentId, requestId, queryMs);
      watch.lookedAtMs = performance.now();
      if (view === null) return;
      for (const tell of [...watch.watchers]) tell(view);
      if (view.state === "settled") this.#remove(watch);
    } catch (error) {
      this.#log.debug({ agentId, requestId, err: error }, "a record could not be read yet");
    } finally {
      this.#looking--;
      watch.looking = false;
    }
  }
}
