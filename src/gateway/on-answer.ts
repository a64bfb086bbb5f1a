import { fitAnswers } from "../lifecycle/fit-answers.ts";
import type { ResponseFrame } from "../wire/frames.ts";
import { closeCodes } from "../wire/limits.ts";
import { fits } from "./direct-lane.ts";
import type { GatewayParts } from "./parts.ts";
import type { Session } from "./session.ts";

/**
 * Answers to a durable Request: to Temporal first, then the ack to the agent, then to the caller. An agent's Answers go
 * to its own lifecycle whatever they say, which takes those that it waits for and no others.
 */
export async function onAnswer(
  parts: GatewayParts,
  session: Session,
  frame: ResponseFrame,
): Promise<void> {
  const { seq } = frame;
  parts.tally.answers++;
  const handed = session.handed.get(seq);
  if (handed !== undefined && !fits(handed.commands, frame.answers)) {
    refuseMisfit(parts, session, seq);
    return;
  }
  const answers = fitAnswers(frame.answers);
  if (answers !== frame.answers) {
    parts.log.warn({ agentId: session.agentId, seq }, "Answers too large for Temporal were cut");
  }
  const fate = await parts.outbox.put(session.agentId, {
    name: "answer",
    message: { seq, answers, gateway: parts.self.ref() },
  });
  if (fate === "dropped") {
    // The agent keeps its Answers and brings them again with its next session.
    session.socket.end(closeCodes.busy, {
      code: "BUSY",
      message: "Too many Answers wait for Temporal.",
      retryAfterMs: 5_000,
    });
    return;
  }
  parts.progress.ended(session.agentId, seq);
  const current = parts.sessions.find(session.agentId) ?? session;
  current.handed.delete(seq);
  current.socket.send({
    v: 1,
    kind: "ack",
    seq,
    commandIds: answers.map((answer) => answer.commandId),
  });
  if (fate !== "sent") return;
  parts.durable.onAnswered(session.agentId, handed?.requestId, answers);
  parts.hooks.passing?.onAnswers(session, "durable", seq, answers);
}

/** Answers that are not one for each Command settle nothing; the socket stays, the Request runs into its deadline. */
export function refuseMisfit(parts: GatewayParts, session: Session, seq: number): void {
  const message = `Response ${seq} is not one Answer for each Command of its Request, in order: it was dropped.`;
  parts.log.warn({ agentId: session.agentId, seq }, message);
  session.socket.send({ v: 1, kind: "error", code: "WRONG_ANSWERS", message });
}
