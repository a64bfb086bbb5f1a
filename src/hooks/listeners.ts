/** The listeners of a process: told of what happened, each at its own speed, none of them a danger to anybody else. */
import type { HookListener } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import { callInTime, type CallEnd } from "./call-in-time.ts";
import { defaultQueueLimits, ListenerQueue, type QueueLimits } from "./listener-queue.ts";
import type { HookMethod, HookNews, ToldListener, ToldMethod } from "./news.ts";

/** How often the log hears of one listener that fails, in milliseconds. */
const complainEveryMs = 10_000;

/** How calls of one listener ended. */
export interface CallCounts {
  done: number;
  failed: number;
  timedOut: number;
  vetoed: number;
}

/** One listener with what it is still to be told. */
export interface KnownListener {
  readonly listener: HookListener;
  readonly queue: ListenerQueue;
  readonly calls: Map<HookMethod, CallCounts>;
}

export class Listeners {
  readonly all: readonly KnownListener[];
  readonly timeoutMs: number;
  readonly #log: Log;
  readonly #complaints = new Map<string, { atMs: number; unsaid: number }>();

  constructor(
    listeners: readonly HookListener[],
    { timeoutMs, log, limits }: { timeoutMs: number; log: Log; limits?: QueueLimits },
  ) {
    this.timeoutMs = timeoutMs;
    this.#log = log;
    this.all = listeners.map((listener) => ({
      listener,
      queue: new ListenerQueue(limits ?? defaultQueueLimits),
      calls: new Map<HookMethod, CallCounts>(),
    }));
  }

  /** Those that want to hear of this. */
  withMethod(method: HookMethod): readonly KnownListener[] {
    return this.all.filter(({ listener }) => listener[method] !== undefined);
  }

  /**
   * Tells every listener that wants to hear of it. Never waits, never throws. `news` is called for each listener when it is
   * its turn: nobody gets what another one may have changed.
   */
  tell<M extends ToldMethod>(method: M, agentId: string, news: () => HookNews[M]): void {
    for (const known of this.all) {
      if (known.listener[method] === undefined) continue;
      known.queue.push(agentId, async () => {
        const told: ToldListener = known.listener;
        const end = await callInTime((options) => told[method]?.(news(), options), this.timeoutMs);
        count(known, method, end.type);
        if (end.type !== "done") this.#complain(known.listener.name, method, agentId, end);
      });
    }
  }

  /** The log is for operators: one line for each listener and method, then again when it goes on for long. */
  #complain(
    name: string,
    method: ToldMethod,
    agentId: string,
    end: Exclude<CallEnd<unknown>, { type: "done" }>,
  ): void {
    const key = `${name}/${method}`;
    const nowMs = performance.now();
    const last = this.#complaints.get(key);
    if (last !== undefined && nowMs - last.atMs < complainEveryMs) {
      last.unsaid++;
      return;
    }
    this.#complaints.set(key, { atMs: nowMs, unsaid: 0 });
    const error = end.type === "failed" ? { err: end.error } : { timeoutMs: this.timeoutMs };
    this.#log.warn(
      { listener: name, method, agentId, moreBefore: last?.unsaid ?? 0, ...error },
      end.type === "failed" ? "a listener failed" : "a listener took too long",
    );
  }
}

/** Notes how a call ended. */
export function count(known: KnownListener, method: HookMethod, how: keyof CallCounts): void {
  const counts = known.calls.get(method) ?? { done: 0, failed: 0, timedOut: 0, vetoed: 0 };
  counts[how]++;
  known.calls.set(method, counts);
}
