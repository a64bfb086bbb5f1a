import { setTimeout as sleep } from "node:timers/promises";
import type { BenchStack, Progress } from "./stack.ts";

const progressEveryMs = 5_000;

/** Says now and then how many agents are Up while `work` goes on, and how many more each second: thousands take minutes. */
export async function tellingConnected<T>(
  stack: BenchStack,
  agents: number,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  let before = { up: await countUp(stack), atMs: performance.now() };
  const telling = (async () => {
    while (!over.signal.aborted) {
      await sleep(progressEveryMs, undefined, { signal: over.signal }).catch(() => undefined);
      const now = { up: await countUp(stack), atMs: performance.now() };
      progress(`${now.up ?? "?"} of ${agents} agents are Up${pace(before, now, agents)}`);
      before = now;
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await telling;
  }
}

/** Undefined while the database is away: that is the other's to say. */
function countUp(stack: BenchStack): Promise<number | undefined> {
  return stack.countUp().catch(() => undefined);
}

interface Count {
  readonly up: number | undefined;
  readonly atMs: number;
}

function pace(before: Count, now: Count, agents: number): string {
  if (before.up === undefined || now.up === undefined || now.up <= before.up) return "";
  const perSecond = ((now.up - before.up) * 1_000) / (now.atMs - before.atMs);
  const left = Math.round((agents - now.up) / perSecond);
  return `, ${perSecond.toFixed(0)}/s${left > 0 ? `, about ${left} s more` : ""}`;
}
