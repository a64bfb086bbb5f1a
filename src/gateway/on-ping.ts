import type { PingAnswer, PingCommand } from "../api/index.ts";
import { closeCodes } from "../wire/limits.ts";
import type { GatewayParts } from "./parts.ts";
import type { Session } from "./session.ts";

const unhealthyCharsMax = 500;

/** A ping: its time is kept, it is answered, and Temporal hears of it when it has to. */
export function onPing(
  parts: GatewayParts,
  session: Session,
  seq: number,
  ping: PingCommand,
): void {
  parts.tally.pings++;
  // Perhaps the agent is another gateway's by now: neither it nor its lifecycle must take this one for alive.
  if (parts.isWaking()) return;
  if (session.silentSinceMs !== undefined) {
    // The lifecycle was told that this session is lost: only a new one brings the agent back.
    session.socket.end(closeCodes.silent, {
      code: "SILENT",
      message: "This session was given up after a long silence: connect again.",
    });
    return;
  }
  parts.relay.onPing(session, unhealthyOf(ping));
  parts.inventory.onPing(session, ping);
  const answer: PingAnswer = {
    type: "PingAnswer",
    commandId: ping.id,
    result: true,
    pingIntervalMs: session.settings.pingIntervalMs,
    gateways: parts.gatewayUrls(),
  };
  session.socket.send({ v: 1, kind: "response", lane: "session", seq, answers: [answer] });
}

/** One line for operators; undefined when every resource is healthy. */
function unhealthyOf(ping: PingCommand): string | undefined {
  const sick = ping.resources.filter((resource) => !resource.healthy);
  if (sick.length === 0) return undefined;
  return sick
    .map(({ name, details }) => `${name}: ${details ?? "unhealthy"}`)
    .join("; ")
    .slice(0, unhealthyCharsMax);
}
