import { closeCodes } from "../wire/limits.ts";
import type { GatewayParts } from "./parts.ts";
import type { Session } from "./session.ts";

/** No ping for too long: the lifecycle is told; the socket stays for a moment, so that the agent can be asked. */
export function onSilent(parts: GatewayParts, session: Session, silentForMs: number): void {
  // A handshake has its own time limit.
  if (session.socket.state !== "OPEN" || session.farewell !== undefined) return;
  parts.log.warn(
    { agentId: session.agentId, epoch: session.epoch, silentForMs },
    "agent is silent",
  );
  session.farewell = "unreported";
  const cause = { type: "pingTimeout", silentForMs } as const;
  void parts.outbox.put(session.agentId, {
    name: "disconnect",
    message: { epoch: session.epoch, cause },
  });
}

/** The half-open socket is closed. */
export function onLingered(session: Session): void {
  session.socket.end(closeCodes.silent, {
    code: "SILENT",
    message: "No ping for too long: connect again.",
  });
}
