/** Keeps one Worker running until told to stop. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "@temporalio/worker";
import type { Log } from "../telemetry/log.ts";

/** `starting`, then the Worker's own states; `restarting` after it failed. */
type SupervisedState = "starting" | "restarting" | ReturnType<Worker["getState"]>;

/** A Worker under supervision. */
export interface Supervised {
  readonly name: string;
  state(): SupervisedState;
  /** Workflows held in memory. */
  cachedWorkflows(): number;
  /** How often the Worker failed and was made anew. */
  restarts(): number;
  /** Resolves when the first Worker polls; never rejects. */
  readonly running: Promise<void>;
  /** Resolves when `signal` was aborted and the last Worker has drained; never rejects. */
  readonly stopped: Promise<void>;
}

interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}
const usualBackOff: BackOff = { firstMs: 1_000, mostMs: 30_000 };
/** A Worker that ran for so long failed for another reason than the last time. */
const forgottenAfterMs = 60_000;

/**
 * Runs a Worker, and another one when it fails: Core rides out a Temporal that is away, but a Worker that gives up
 * all the same must not take the process with it. Aborting `signal` drains it.
 */
export function superviseWorker(
  name: string,
  create: () => Promise<Worker>,
  log: Log,
  signal: AbortSignal,
  backOff: BackOff = usualBackOff,
): Supervised {
  let worker: Worker | undefined;
  let restarts = 0;
  let polls = (): void => undefined;
  const running = new Promise<void>((resolve) => {
    polls = resolve;
  });

  const stopping = (): boolean => signal.aborted;

  const runOnce = async (): Promise<void> => {
    worker = await create();
    const ended = worker.run();
    const stop = (): void => {
      if (worker?.getState() === "RUNNING") worker.shutdown();
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    log.info({ worker: name }, "worker polls");
    polls();
    try {
      await ended;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };

  const supervise = async (): Promise<void> => {
    let waitMs = backOff.firstMs;
    while (!stopping()) {
      const startedMs = performance.now();
      try {
        await runOnce();
        if (!stopping()) log.error({ worker: name }, "worker ended without being asked");
      } catch (error) {
        log.error({ worker: name, err: error, stopping: stopping() }, "worker failed");
      }
      if (stopping()) break;
      worker = undefined;
      restarts += 1;
      if (performance.now() - startedMs > forgottenAfterMs) waitMs = backOff.firstMs;
      log.warn({ worker: name, restarts, waitMs }, "worker starts again after a pause");
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, backOff.mostMs);
    }
    log.info({ worker: name }, "worker has drained");
  };

  return {
    name,
    state: () => worker?.getState() ?? (restarts === 0 ? "starting" : "restarting"),
    cachedWorkflows: () =>
      worker?.getState() === "RUNNING" ? worker.getStatus().numCachedWorkflows : 0,
    restarts: () => restarts,
    running,
    stopped: supervise(),
  };
}
