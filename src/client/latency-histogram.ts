/** How long Answers took. Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly minMs: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Those that are not empty, ascending: so many took longer than the bound before and no longer than this one. */
  readonly buckets: readonly { readonly upToMs: number; readonly count: number }[];
}

/** Each bucket ends 2^(1/8) times as late as the one before: 9 %. */
const bucketsPerDoubling = 8;
/** The first bucket ends at 2^-7 ms: what is faster is not told apart. */
const firstExponent = -7;
/** A duration that is a bound belongs to the bucket that it ends, whatever the logarithm's last bit says. */
const rounding = 1e-9;

/**
 * Counts durations in buckets whose bounds grow by 9 %, so that a percentile is at most 9 % too high, whatever the range, and
 * a million durations take the room of a few hundred.
 */
export class LatencyHistogram {
  readonly #counts: number[] = [];
  #count = 0;
  #sumMs = 0;
  #minMs = Infinity;
  #maxMs = 0;

  record(tookMs: number): void {
    const steps = (Math.log2(tookMs) - firstExponent) * bucketsPerDoubling;
    const bucket = Math.max(0, Math.ceil(steps - rounding));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sumMs += tookMs;
    this.#minMs = Math.min(this.#minMs, tookMs);
    this.#maxMs = Math.max(this.#maxMs, tookMs);
  }

  /** Of no durations at all, everything is 0. */
  summary(): LatencySummary {
    const buckets = this.#counts
      .map((count, bucket) => ({ upToMs: boundMs(bucket), count }))
      .filter(({ count }) => count > 0);
    const isEmpty = this.#count === 0;
    return {
      count: this.#count,
      minMs: isEmpty ? 0 : this.#minMs,
      meanMs: isEmpty ? 0 : this.#sumMs / this.#count,
      p50Ms: this.#percentile(buckets, 0.5),
      p90Ms: this.#percentile(buckets, 0.9),
      p99Ms: this.#percentile(buckets, 0.99),
      maxMs: this.#maxMs,
      buckets,
    };
  }

  /** The bound of the bucket that holds the duration which that share of all does not exceed; never above the longest. */
  #percentile(buckets: LatencySummary["buckets"], share: number): number {
    let left = Math.ceil(share * this.#count);
    for (const { upToMs, count } of buckets) {
      left -= count;
      if (left <= 0) return Math.min(upToMs, this.#maxMs);
    }
    return 0;
  }
}

function boundMs(bucket: number): number {
  return 2 ** (firstExponent + bucket / bucketsPerDoubling);
}
