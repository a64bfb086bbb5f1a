/** One part of the stack that is kept running: started again, with a growing pause, whenever it ends by itself. */
import type { Child } from "./child-process.ts";

export type Running = Pick<Child, "pid" | "ended" | "stop">;

export interface ServiceOptions<T extends Running> {
  readonly name: string;
  /** Those with a higher one stand on those with a lower one, and are ended first. */
  readonly layer: number;
  /** Starts it and waits until it is ready, unless `signal` aborts. */
  readonly start: (signal: AbortSignal) => Promise<T>;
  readonly say: (line: string) => void;
  /** A new process took its place. */
  readonly onRestarted: () => void;
}

export interface Service<T extends Running> {
  readonly name: string;
  readonly layer: number;
  /** The process as it was first started; restarts keep its address. */
  readonly first: T;
  readonly pid: () => number | undefined;
  readonly stop: () => Promise<void>;
}

const pauseMs = { first: 500, most: 30_000 };
/** After this long a process counts as healthy, and the pause is short again. */
const healthyAfterMs = 60_000;

/** Starts a service; an error of the first start is the caller's, later ones are said and tried again. */
export async function startService<T extends Running>(
  options: ServiceOptions<T>,
  aborted: AbortSignal,
): Promise<Service<T>> {
  const { name, layer, say } = options;
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  let current: T | undefined;

  const start = async (signal: AbortSignal): Promise<T> => {
    current = await options.start(signal);
    return current;
  };
  const first = await start(aborted);

  const keep = async (): Promise<void> => {
    let waitMs = pauseMs.first;
    let running: T | undefined = first;
    while (!isStopping()) {
      if (running !== undefined) {
        const startedAt = performance.now();
        const how = await running.ended;
        current = undefined;
        if (isStopping()) return;
        if (performance.now() - startedAt > healthyAfterMs) waitMs = pauseMs.first;
        say(`${name} ended with ${how}; starting it again in ${waitMs / 1000} s`);
      }
      await pause(waitMs, stopping.signal);
      waitMs = Math.min(waitMs * 2, pauseMs.most);
      if (isStopping()) return;
      running = await start(stopping.signal).catch((error: unknown) => {
        if (isStopping()) return undefined;
        const why = error instanceof Error ? error.message : String(error);
        say(`${name} does not start: ${why}; trying again in ${waitMs / 1000} s`);
        return undefined;
      });
      if (running !== undefined) {
        say(`${name} is back`);
        options.onRestarted();
      }
    }
  };
  const keeping = keep();

  return {
    name,
    layer,
    first,
    pid: () => current?.pid,
    stop: async () => {
      stopping.abort();
      await current?.stop();
      await keeping;
      // A restart that was just done when we were told to stop.
      await current?.stop();
    },
  };
}

/** Resolves after so long, or as soon as `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
