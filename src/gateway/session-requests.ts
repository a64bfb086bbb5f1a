import { randomUUID } from "node:crypto";
import type { Session } from "./session.ts";

/** Asks the agent for something over its session; whether it was written. */
export function sendSessionCommand(
  session: Session,
  command: { readonly type: string; readonly [field: string]: unknown },
): boolean {
  return session.socket.send({
    v: 1,
    kind: "request",
    lane: "session",
    seq: session.nextSessionSeq++,
    commands: [{ id: randomUUID(), ...command }],
  });
}
