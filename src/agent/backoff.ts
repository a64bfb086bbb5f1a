/** How long to rest before dialling again. Pure: randomness comes as an argument. */

/** Bounds of an exponential back-off, in milliseconds. */
export interface BackoffBounds {
  readonly baseMs: number;
  readonly capMs: number;
}

/** After a gateway that is dead, refuses or was lost. */
export const reconnectBackoff: BackoffBounds = { baseMs: 1_000, capMs: 30_000 };

/**
 * After another session of this agent took over. Two agents with one id must not fight at full speed, and a move of
 * this very agent ends here only when its own newer session is gone again.
 */
export const supersededBackoff: BackoffBounds = { baseMs: 30_000, capMs: 300_000 };

/**
 * Exponential with full jitter: anywhere from zero to `base × 2^failures`, `cap` at most. A crowd that lost its
 * gateway together comes back evenly spread.
 * @param failures in a row before this rest, from 0.
 * @param random from 0 up to 1, exclusive.
 */
export function fullJitterMs(bounds: BackoffBounds, failures: number, random: number): number {
  return Math.floor(random * ceilingMs(bounds, failures));
}

/** Like `fullJitterMs` but never under half: where coming back early would do harm. */
export function halfJitterMs(bounds: BackoffBounds, failures: number, random: number): number {
  return Math.floor((0.5 + random / 2) * ceilingMs(bounds, failures));
}

function ceilingMs({ baseMs, capMs }: BackoffBounds, failures: number): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(failures, 30));
}
