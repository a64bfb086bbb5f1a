/** Commands that the manager gives to the container itself. */
import { unsupported, type Answer, type WireCommand } from "../api/index.ts";
import { readCancel } from "./session-commands.ts";

/** What those Commands act on. */
export interface SessionActions {
  /** Cancels a Request; false when it is not open. */
  cancel(lane: "durable" | "direct", seq: number, details: string): boolean;
  /** Opens a new session, after the Answer is out. */
  reconnect(details: string): void;
}

/**
 * Carries out one of them.
 * @throws MalformedFrameError when its fields are of the wrong types.
 */
export function onSessionCommand(command: WireCommand, actions: SessionActions): Answer {
  switch (command.type) {
    case "Cancel":
    case "CancelDirect": {
      const { type, seq, details } = readCancel(command);
      const found = actions.cancel(type === "Cancel" ? "durable" : "direct", seq, details);
      return {
        type: `${type}Answer`,
        commandId: command.id,
        result: found,
        ...(!found && { errorCode: "NOT_OPEN", details: `Request ${seq} is not open here.` }),
      };
    }
    case "Reconnect":
      actions.reconnect(typeof command["details"] === "string" ? command["details"] : "");
      return { type: "ReconnectAnswer", commandId: command.id, result: true };
    default:
      return { ...unsupported(command), commandId: command.id };
  }
}
