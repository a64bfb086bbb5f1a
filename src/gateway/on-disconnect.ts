import { closeSession } from "../db/index.ts";
import type { DisconnectCause } from "../workflows/agent-messages.ts";
import type { AgentSocket, SocketEnd } from "./agent-socket.ts";
import type { GatewayParts } from "./parts.ts";
import type { Session } from "./session.ts";

/** A socket is over: forgets its session, and tells the lifecycle why unless it knows or must not hear. */
export function onDisconnect(parts: GatewayParts, socket: AgentSocket, end: SocketEnd): void {
  parts.metrics.closes.inc({ code: String(end.code) });
  const session = parts.sessions.ofSocket(socket);
  if (session === undefined) return;
  parts.sessions.remove(session);
  session.end();
  parts.direct.onClosed(session);
  for (const settle of [...session.asked.values()]) settle(undefined);
  parts.hooks.onEnd(session, end);
  // Before Temporal knows of the session there is nothing to report; the handshake looks after itself.
  if (session.recorded) reportEnd(parts, session, end);
}

/** Says how a recorded session ended. */
export function reportEnd(parts: GatewayParts, session: Session, end: SocketEnd): void {
  noteClosed(parts, session);
  const cause = session.farewell ?? lossOf(end);
  if (cause === "unreported") return;
  session.farewell = "unreported";
  void parts.outbox.put(session.agentId, {
    name: "disconnect",
    message: { epoch: session.epoch, cause },
  });
}

function lossOf(end: SocketEnd): DisconnectCause {
  const by = end.byPeer ? "lost or closed by the agent" : "closed by the gateway";
  const why = end.why === "" ? "" : `: ${end.why}`;
  return { type: "socketLost", details: `The socket was ${by} (${end.code})${why}.` };
}

/** The routing table is a help, not the truth: when Postgres does not answer, the next session overwrites it anyway. */
function noteClosed(parts: GatewayParts, session: Session): void {
  const { agentId, epoch } = session;
  // The row is the newer session's already.
  if ((parts.sessions.find(agentId)?.epoch ?? 0) > epoch) return;
  const noted = closeSession(parts.db, agentId, epoch)
    .catch((error: unknown) => {
      parts.log.warn({ agentId, err: error }, "the session's row stays open");
    })
    .finally(() => parts.loose.delete(noted));
  parts.loose.add(noted);
}
