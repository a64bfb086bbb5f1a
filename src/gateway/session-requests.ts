/** Commands of the link itself, from the gateway to the agent. */
import { randomUUID } from "node:crypto";
import type { Answer } from "../api/index.ts";
import type { Session } from "./session.ts";

interface SessionCommand {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Asks the agent for something over its session; whether it was written. */
export function sendSessionCommand(session: Session, command: SessionCommand): boolean {
  return send(session, session.nextSessionSeq++, command);
}

/** The agent's Answer to a session Command; undefined when none came in time, or the socket was lost before. */
export async function askSessionCommand(
  session: Session,
  command: SessionCommand,
  withinMs: number,
): Promise<Answer | undefined> {
  const seq = session.nextSessionSeq++;
  return await new Promise((resolve) => {
    const settle = (answer: Answer | undefined): void => {
      clearTimeout(timer);
      session.asked.delete(seq);
      resolve(answer);
    };
    const timer = setTimeout(settle, withinMs, undefined);
    session.asked.set(seq, settle);
    if (!send(session, seq, command)) settle(undefined);
  });
}

function send(session: Session, seq: number, command: SessionCommand): boolean {
  return session.socket.send({
    v: 1,
    kind: "request",
    lane: "session",
    seq,
    commands: [{ id: randomUUID(), ...command }],
  });
}

/** Asks the agent to end a durable Request; one that it does not have open stays as it is. */
export function sendCancel(session: Session, seq: number, details: string): void {
  sendSessionCommand(session, { type: "Cancel", seq, details });
}
