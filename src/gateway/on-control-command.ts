import type { WireCommand } from "../api/index.ts";
import type { GatewayParts } from "./parts.ts";
import type { Session } from "./session.ts";

/** A Command that an agent asks of the manager: the listeners' affair. Nothing waits for it but the agent. */
export async function onControlCommand(
  parts: GatewayParts,
  session: Session,
  seq: number,
  command: WireCommand,
): Promise<void> {
  const { agentId, epoch } = session;
  const { gatewayId } = parts.self;
  const control = { agentId, epoch, gatewayId, command };
  const answer = await parts.hooks.controls.ask(control, session);
  session.socket.send({ v: 1, kind: "response", lane: "session", seq, answers: [answer] });
}
