/** How long many calls took, for people: percentiles and a histogram. */
import type { LatencySummary } from "../../client/index.ts";
import { took } from "./times.ts";

const stripeWidth = 40;

/** Percentiles on one line, then one line for each row from the first that holds something to the last. */
export function latenciesText(latency: LatencySummary): string {
  const { count, p50Ms, p90Ms, p99Ms, maxMs } = latency;
  if (count === 0) return "";
  const marks = Object.entries({ p50: p50Ms, p90: p90Ms, p99: p99Ms, max: maxMs });
  const head = marks.map(([name, ms]) => `${name} ${shortTime(ms)}`).join("  ");
  const rows = rowsOf(latency.buckets);
  const most = Math.max(...rows.map((row) => row.count));
  const lines = rows.map((row) => {
    const stripe = "#".repeat(Math.ceil((row.count / most) * stripeWidth));
    const number = String(row.count).padStart(String(most).length);
    return `  ≤ ${shortTime(row.upToMs).padStart(7)}  ${number}  ${stripe}`.trimEnd();
  });
  return [head, ...lines].map((line) => `${line}\n`).join("");
}

type Row = LatencySummary["buckets"][number];

/** The fine buckets put into rows that end at 1, 2, 4, 8 ms and so on, where some buckets end, too; none is left out in between. */
function rowsOf(buckets: readonly Row[]): readonly Row[] {
  const rows: Row[] = [];
  let place = 0;
  for (let upToMs = 1; place < buckets.length; upToMs *= 2) {
    let count = 0;
    for (; (buckets[place]?.upToMs ?? Infinity) <= upToMs; place += 1) {
      count += buckets[place]?.count ?? 0;
    }
    if (count > 0 || rows.length > 0) rows.push({ upToMs, count });
  }
  return rows;
}

/** Such as "3 ms", "250 ms", "1.2 s". */
function shortTime(ms: number): string {
  return ms < 1_000 ? `${ms < 10 ? Number(ms.toPrecision(2)) : Math.round(ms)} ms` : took(ms);
}
