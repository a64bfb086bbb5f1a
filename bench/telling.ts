import { setTimeout as sleep } from "node:timers/promises";
import type { BenchStack, Progress } from "./stack.ts";

const progressEveryMs = 5_000;

/** Says now and then how many agents are Up while `work` goes on: thousands take minutes. */
export async function tellingConnected<T>(
  stack: BenchStack,
  agents: number,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const telling = (async () => {
    while (!over.signal.aborted) {
      await sleep(progressEveryMs, undefined, { signal: over.signal }).catch(() => undefined);
      // The database may be away: that is the other's to say.
      const up = await stack.countUp().catch(() => undefined);
      progress(`${up ?? "?"} of ${agents} agents are Up`);
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await telling;
  }
}
