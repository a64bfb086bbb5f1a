/**
 * The life of one socket.
 *
 * - OPENING: accepted, nothing said yet
 * - DECIDING: the hello is here; identity, admission, epoch and Temporal are asked
 * - READYING: admitted and told so; its ReadyAnswer is awaited
 * - OPEN: pings, Commands and Answers pass
 * - CLOSED: over, whatever the operating system still has to do about it
 */
export type SocketState = "OPENING" | "DECIDING" | "READYING" | "OPEN" | "CLOSED";
export type SocketEvent = "hello" | "admitted" | "ready" | "closed";

/** The state after an event; undefined when the event is not allowed in that state. */
export function nextSocketState(state: SocketState, event: SocketEvent): SocketState | undefined {
  if (event === "closed") return "CLOSED";
  switch (state) {
    case "OPENING":
      return event === "hello" ? "DECIDING" : undefined;
    case "DECIDING":
      return event === "admitted" ? "READYING" : undefined;
    case "READYING":
      return event === "ready" ? "OPEN" : undefined;
    case "OPEN":
    case "CLOSED":
      return undefined;
  }
}
