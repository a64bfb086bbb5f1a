import { hostname, userInfo } from "node:os";

/** Who asks, for the event log: this account on this machine. */
export function operatorName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // An account without an entry in the system's list, as in containers.
    return `cli@${hostname()}`;
  }
}
