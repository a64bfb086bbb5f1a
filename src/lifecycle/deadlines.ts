/** Deadlines of an agent's lifecycle as absolute times; the workflow sleeps once, until the nearest. */
import { pingTimeoutMs } from "./relay-budget.ts";

/** The times that the ping deadline goes by, in milliseconds (interval) and intervals (multiplier). */
export interface PingSettings {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMultiplier: number;
}

/**
 * When silence becomes a time-out: the last ping, plus what the gateway vouches for, plus multiplier × interval.
 */
export function pingDeadlineMs(
  ping: { readonly lastPingAtMs: number; readonly vouchForMs: number },
  settings: PingSettings,
): number {
  return ping.lastPingAtMs + ping.vouchForMs + pingTimeoutMs(settings);
}

/** The nearest of the given deadlines; undefined when there is none. */
export function nextWakeMs(deadlines: readonly (number | undefined)[]): number | undefined {
  let nearest: number | undefined;
  for (const deadline of deadlines) {
    if (deadline !== undefined && (nearest === undefined || deadline < nearest)) nearest = deadline;
  }
  return nearest;
}

/**
 * Whether a sleeping timer must be set anew: only when it would wake too late. One that wakes too early is left alone
 * and finds nothing to do; so pings and settled Requests never cost a timer.
 */
export function mustRearm(armedForMs: number | undefined, wakeMs: number | undefined): boolean {
  return wakeMs !== undefined && (armedForMs === undefined || wakeMs < armedForMs);
}
