/** Looks at one thing of the operator API again and again, for as long as somebody watches. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api/client.ts";
import { ApiUnreachableError } from "./api/errors.ts";

const lookEveryMs = 500;

/**
 * What is at `path`, until `signal` aborts. A manager that can't be asked just now is told to `onBroken`, and asked again.
 * @throws ApiRefusedError.
 */
export async function* keepLooking<T>(
  api: ApiClient,
  path: string,
  signal: AbortSignal,
  onBroken: (why: string) => void,
): AsyncGenerator<T, void> {
  while (!isOver(signal)) {
    try {
      yield await api.call<T>("GET", path, { signal });
    } catch (error) {
      if (isOver(signal)) return;
      if (!(error instanceof ApiUnreachableError)) throw error;
      onBroken(error.message);
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Asked anew after each wait: the compiler believes that a signal does not change. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
