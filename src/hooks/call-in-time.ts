import type { HookCallOptions } from "../api/index.ts";

/** How a call of outside code ended. */
export type CallEnd<T> =
  | { readonly type: "done"; readonly value: T }
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "timedOut" };

/**
 * Calls outside code and waits for it, `timeoutMs` milliseconds at most; never throws. A call that is too late is left to
 * itself, and told so by its signal. `stop` aborts that signal as well.
 */
export async function callInTime<T>(
  call: (options: HookCallOptions) => T | Promise<T>,
  timeoutMs: number,
  stop?: AbortSignal,
): Promise<CallEnd<T>> {
  const over = new AbortController();
  const signal = stop === undefined ? over.signal : AbortSignal.any([stop, over.signal]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CallEnd<T>>((resolve) => {
    timer = setTimeout(() => {
      resolve({ type: "timedOut" });
      over.abort();
    }, timeoutMs);
  });
  try {
    return await Promise.race([outcomeOf(() => call({ signal, timeoutMs })), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function outcomeOf<T>(call: () => T | Promise<T>): Promise<CallEnd<T>> {
  try {
    return { type: "done", value: await call() };
  } catch (error) {
    return { type: "failed", error };
  }
}
