/** How long many calls took, for people: percentiles and a histogram. */
import { took } from "./times.ts";

const stripeWidth = 40;
/** Buckets end at 1, 2 and 5 times the powers of ten. */
const steps = [1, 2, 5];

/** The value below which the share `p` of the sorted values lies; 0 when there are none. */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;
}

/** Percentiles on one line, then one line for each bucket from the first that holds something to the last. */
export function latenciesText(unsortedMs: readonly number[]): string {
  if (unsortedMs.length === 0) return "";
  const sorted = unsortedMs.toSorted((a, b) => a - b);
  const marks = [0.5, 0.9, 0.99].map((p) => `p${100 * p} ${shortTime(percentile(sorted, p))}`);
  const head = `${[...marks, `max ${shortTime(sorted.at(-1) ?? 0)}`].join("  ")}\n`;
  const buckets = histogram(sorted);
  const most = Math.max(...buckets.map(({ count }) => count));
  const countWidth = String(most).length;
  const rows = buckets.map(({ upToMs, count }) => {
    const stripe = "#".repeat(Math.ceil((count / most) * stripeWidth));
    return `  ≤ ${shortTime(upToMs).padStart(7)}  ${String(count).padStart(countWidth)}  ${stripe}`;
  });
  return `${head}${rows.map((row) => `${row.trimEnd()}\n`).join("")}`;
}

interface Bucket {
  readonly upToMs: number;
  readonly count: number;
}

function histogram(sorted: readonly number[]): readonly Bucket[] {
  const buckets: Bucket[] = [];
  let place = 0;
  for (const upToMs of boundsFrom(sorted[0] ?? 0)) {
    const from = place;
    while (place < sorted.length && (sorted[place] ?? 0) <= upToMs) place += 1;
    buckets.push({ upToMs, count: place - from });
    if (place === sorted.length) return buckets;
  }
  return buckets;
}

/** Bounds of buckets in milliseconds, without end, from the first that holds the value; 1 ms is the finest. */
function* boundsFrom(valueMs: number): Generator<number, void> {
  for (let power = 1; ; power *= 10) {
    for (const step of steps) if (step * power >= valueMs) yield step * power;
  }
}

/** Such as "3 ms", "250 ms", "1.2 s". */
function shortTime(ms: number): string {
  return ms < 1_000 ? `${ms < 10 ? Number(ms.toPrecision(2)) : Math.round(ms)} ms` : took(ms);
}
