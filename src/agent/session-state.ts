/**
 * States of one session:
 *   dialing        the socket is opening
 *   greeting       hello and Startup Commands are out; the gateway decides
 *   awaitingReady  admitted: the epoch is known, Ready is not here yet
 *   open           Ready is answered: Commands and pings flow
 *   leaving        the agent stops: running work ends, then it says goodbye
 *   closed         over; the only state without a way out
 */
export type SessionState = "dialing" | "greeting" | "awaitingReady" | "open" | "leaving" | "closed";

const ways: Readonly<Record<SessionState, readonly SessionState[]>> = {
  dialing: ["greeting", "closed"],
  greeting: ["awaitingReady", "closed"],
  awaitingReady: ["open", "closed"],
  open: ["leaving", "closed"],
  leaving: ["closed"],
  closed: [],
};

/** Whether a session may go from one state to the other. */
export function mayChange(from: SessionState, to: SessionState): boolean {
  return ways[from].includes(to);
}
