import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks again until `check` gives something other than undefined, null or false, and gives that. Errors of `check`
 * count as "not yet"; the last one is the cause when time is up.
 */
export async function waitUntil<T>(
  what: string | (() => string),
  check: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== null && value !== false) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) {
      const condition = typeof what === "string" ? what : what();
      throw new Error(`Waited ${timeoutMs} ms in vain until ${condition}.`, { cause: lastError });
    }
    await sleep(options.everyMs ?? 25);
  }
}
