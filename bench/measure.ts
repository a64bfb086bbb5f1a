/** Closed-loop load: a fixed number of calls in flight, each replaced as it ends. */
import { cpuPerCall, readCpu, type CpuTimes, type Watched } from "./cpu.ts";

/** What a round of calls came to. */
export interface Rate {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
  /** CPU time by process for each call, in milliseconds, when processes were given. */
  readonly cpuMs?: CpuTimes;
}

/**
 * Rate, latencies and CPU time of calls.
 * @param calls carries them out and gives how long each took, in milliseconds.
 */
export async function measure(
  calls: () => Promise<readonly number[]>,
  watched?: Watched,
): Promise<Rate> {
  const before = watched && readCpu(watched);
  const began = performance.now();
  const latenciesMs = [...(await calls())].sort((a, b) => a - b);
  const elapsedMs = performance.now() - began;
  const after = watched && readCpu(watched);
  return {
    ...(before && after && { cpuMs: cpuPerCall(before, after, latenciesMs.length) }),
    perSecond: (latenciesMs.length * 1000) / elapsedMs,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    calls: latenciesMs.length,
  };
}

/**
 * Keeps `inFlight` calls going for `seconds` and gives their rate and latencies. `call` gets the number of its slot.
 * An error of any call ends the round and is thrown: a rate over failed calls means nothing.
 */
export async function measureRate(
  call: (slot: number) => Promise<unknown>,
  options: { inFlight: number; seconds: number; watched?: Watched },
): Promise<Rate> {
  return await measure(async () => {
    const latenciesMs: number[] = [];
    const ends = performance.now() + options.seconds * 1000;
    const slot = async (number: number): Promise<void> => {
      for (let now = performance.now(); now < ends;) {
        await call(number);
        const after = performance.now();
        latenciesMs.push(after - now);
        now = after;
      }
    };
    await Promise.all(Array.from({ length: options.inFlight }, (_, number) => slot(number)));
    return latenciesMs;
  }, options.watched);
}

/** Calls `call` once for each of 0 … count − 1, `inFlight` at a time, and gives rate and latencies. */
export async function measureEach(
  call: (number: number) => Promise<unknown>,
  options: { count: number; inFlight: number; watched?: Watched },
): Promise<Rate> {
  return await measure(async () => {
    const latenciesMs: number[] = [];
    await inParallel(options.count, options.inFlight, async (number) => {
      const calledMs = performance.now();
      await call(number);
      latenciesMs.push(performance.now() - calledMs);
    });
    return latenciesMs;
  }, options.watched);
}

/** The value below which the share `p` of the sorted values lies; 0 when there are none. */
function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Calls `work` for 0 … count − 1, `inFlight` at a time. */
export async function inParallel(
  count: number,
  inFlight: number,
  work: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const slot = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, slot));
}
