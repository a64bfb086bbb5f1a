import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, ShutdownCommand } from "../api/index.ts";
import { closeCodes } from "../wire/limits.ts";
import type { GatewayParts } from "./parts.ts";
import type { Session } from "./session.ts";

/** How long a goodbye waits for Temporal before the agent may go anyway; it is brought over all the same. */
const goodbyeMs = 3_000;

/** The agent says goodbye: recorded, answered, closed. */
export async function onShutdown(
  parts: GatewayParts,
  session: Session,
  seq: number,
  shutdown: ShutdownCommand,
): Promise<void> {
  if (session.farewell !== undefined) return;
  const { reason, details } = shutdown;
  const cause = { type: "goodbye", reason, ...(details !== undefined && { details }) } as const;
  session.farewell = "unreported";
  const recorded = parts.outbox.put(session.agentId, {
    name: "disconnect",
    message: { epoch: session.epoch, cause },
  });
  const patience = new AbortController();
  const patient = sleep(goodbyeMs, undefined, { signal: patience.signal }).catch(() => undefined);
  await Promise.race([recorded, patient]);
  patience.abort();
  const answer: Answer = { type: "ShutdownAnswer", commandId: shutdown.id, result: true };
  session.socket.send({ v: 1, kind: "response", lane: "session", seq, answers: [answer] });
  session.socket.end(closeCodes.normal, `Goodbye (${reason}).`);
}
