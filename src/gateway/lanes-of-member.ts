import type { CommandLanes } from "./command-lanes.ts";
import { RequestRefusedError } from "./errors.ts";

/** Lanes that take nothing while the gateway is cut off: its callers ask another one. */
export function lanesOfMember(
  lanes: CommandLanes,
  fencedBecause: () => string | undefined,
): CommandLanes {
  const whenMember = <T>(call: () => Promise<T>): Promise<T> => {
    const why = fencedBecause();
    if (why === undefined) return call();
    const message = `This gateway is cut off (${why}): nothing was sent, ask another one.`;
    return Promise.reject(new RequestRefusedError("NOT_READY", message));
  };
  return {
    sendDirect: (...args) => whenMember(() => lanes.sendDirect(...args)),
    sendDurable: (...args) => whenMember(() => lanes.sendDurable(...args)),
    submitDurable: (...args) => whenMember(() => lanes.submitDurable(...args)),
    awaitSettled: (...args) => whenMember(() => lanes.awaitSettled(...args)),
  };
}
