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

export interface Service {
  readonly name: string;
  readonly layer: number;
  /** Undefined between a death and the next start. */
  readonly pid: () => number | undefined;
  readonly stop: () => Promise<void>;
}

const pauseMs = { first: 500, most: 30_000 };
/** After this long a process counts as healthy, and the pause is short again. */
const healthyAfterMs = 60_000;

/** Starts a service and keeps it; an error of the first start is the caller's, later ones are said and tried again. */
export async function startService<T extends Running>(
  options: ServiceOptions<T>,
  aborted: AbortSignal,
): Promise<{ first: T; service: Service }> {
  const first = await options.start(aborted);
  return { first, service: keepRunning(options, first) };
}

/** The same for a service that the rest can do without: it is tried again even when its first start fails. */
export async function tryService<T extends Running>(
  options: ServiceOptions<T>,
  aborted: AbortSignal,
): Promise<Service> {
  const first = await options.start(aborted).catch((error: unknown) => {
    if (!aborted.aborted) options.say(`${options.name} does not start: ${messageOf(error)}`);
    return undefined;
  });
  return keepRunning(options, first);
}

function keepRunning<T extends Running>(options: ServiceOptions<T>, first: T | undefined): Service {
  const { name, layer, say } = options;
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  let current = first;
  let waitMs = pauseMs.first;

  const untilEnded = async (running: T): Promise<void> => {
    const startedAt = performance.now();
    const how = await running.ended;
    current = undefined;
    if (isStopping()) return;
    if (performance.now() - startedAt > healthyAfterMs) waitMs = pauseMs.first;
    say(`${name} ended with ${how}; starting it again in ${waitMs / 1000} s`);
  };
  const startAgain = async (): Promise<void> => {
    try {
      current = await options.start(stopping.signal);
      say(`${name} is back`);
      options.onRestarted();
    } catch (error) {
      if (isStopping()) return;
      say(`${name} does not start: ${messageOf(error)}; trying again in ${waitMs / 1000} s`);
    }
  };
  const keep = async (): Promise<void> => {
    while (!isStopping()) {
      if (current !== undefined) await untilEnded(current);
      await pause(waitMs, stopping.signal);
      waitMs = Math.min(waitMs * 2, pauseMs.most);
      if (!isStopping()) await startAgain();
    }
  };
  const keeping = keep();
  return {
    name,
    layer,
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
