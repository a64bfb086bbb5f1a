/** The one dispatcher of what agents say: checked against the socket's state first, then to one handler each. */
import { MalformedFrameError } from "../wire/errors.ts";
import type { Frame, RequestFrame, ResponseFrame } from "../wire/frames.ts";
import type { AgentSocket } from "./agent-socket.ts";
import type { Handshakes } from "./handshakes.ts";
import { onAnswer, refuseMisfit } from "./on-answer.ts";
import { onControlCommand } from "./on-control-command.ts";
import { onPing } from "./on-ping.ts";
import { onProgress } from "./on-progress.ts";
import { onShutdown } from "./on-shutdown.ts";
import type { GatewayParts } from "./parts.ts";
import { readPing, readShutdown } from "./session-commands.ts";
import type { Session } from "./session.ts";

/** @throws MalformedFrameError for a frame that has no place in the socket's state. */
export function onFrame(
  parts: GatewayParts,
  handshakes: Handshakes,
  socket: AgentSocket,
  frame: Frame,
): void {
  if (frame.kind === "error") {
    if (socket.state === "OPENING") throw misplaced("The first frame is a hello.");
    parts.log.warn(
      { peer: socket.peer, code: frame.code, message: frame.message },
      "agent's error",
    );
    return;
  }
  switch (socket.state) {
    case "OPENING":
      handshakes.onHello(socket, frame);
      return;
    case "DECIDING":
      throw misplaced("The handshake is not answered yet: wait for its Response.");
    case "READYING":
    case "OPEN": {
      const session = parts.sessions.ofSocket(socket);
      if (session === undefined) throw misplaced("The socket has no session.");
      onSessionFrame(parts, handshakes, session, frame);
      return;
    }
    case "CLOSED":
      return;
  }
}

function onSessionFrame(
  parts: GatewayParts,
  handshakes: Handshakes,
  session: Session,
  frame: Exclude<Frame, { kind: "error" }>,
): void {
  switch (frame.kind) {
    case "ack":
      throw misplaced("Only gateways acknowledge.");
    case "request":
      onSessionRequest(parts, session, frame);
      return;
    case "response":
      onResponse(parts, handshakes, session, frame);
      return;
    case "progress":
      onProgress(parts, session, frame);
      return;
  }
}

function onSessionRequest(parts: GatewayParts, session: Session, frame: RequestFrame): void {
  const command = frame.commands[0];
  if (frame.lane !== "session" || frame.commands.length !== 1 || command === undefined) {
    throw misplaced("An agent sends Requests of one Command on the session lane only.");
  }
  switch (command.type) {
    case "Ping":
      onPing(parts, session, frame.seq, readPing(command));
      return;
    case "Shutdown":
      void onShutdown(parts, session, frame.seq, readShutdown(command));
      return;
    case "Startup":
      throw misplaced("The handshake is done: Startup Commands belong to a new socket.");
    default:
      void onControlCommand(parts, session, frame.seq, command);
  }
}

function onResponse(
  parts: GatewayParts,
  handshakes: Handshakes,
  session: Session,
  frame: ResponseFrame,
): void {
  switch (frame.lane) {
    case "session":
      if (session.socket.state === "READYING") handshakes.onReady(session, frame);
      else session.asked.get(frame.seq)?.(frame.answers[0]);
      return;
    case "direct":
      if (!parts.direct.onResponse(session, frame)) refuseMisfit(parts, session, frame.seq);
      return;
    case "durable":
      void onAnswer(parts, session, frame);
      return;
  }
}

function misplaced(message: string): MalformedFrameError {
  return new MalformedFrameError("WRONG_SHAPE", message);
}
