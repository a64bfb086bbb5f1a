import { randomUUID } from "node:crypto";
import type { WireCommand } from "../../api/index.ts";
import type { CallerRequest } from "../command-lanes.ts";
import type { GivenBatch } from "./command-schemas.ts";
import { ApiError } from "./errors.ts";

/** Room that the frame to the agent needs beside the Commands. */
const envelopeBytes = 1_024;

/** The Request for the lanes: request id and Command ids are made up where they are absent. */
export function callerRequest(given: GivenBatch): CallerRequest {
  const { requestId, onError, waitSeconds } = given;
  return {
    requestId: requestId ?? randomUUID(),
    commands: given.commands.map(withId),
    onError: onError ?? "stop",
    ...(waitSeconds !== undefined && { waitSeconds }),
  };
}

/**
 * Refuses Commands that no frame to an agent can hold. Only looks closer when the message they came in was long.
 * @throws ApiError TOO_LARGE
 */
export function checkFits(
  request: CallerRequest,
  messageBytes: number,
  frameBytesMax: number,
): void {
  if (messageBytes * 2 + envelopeBytes < frameBytesMax) return;
  const bytes = Buffer.byteLength(JSON.stringify(request.commands)) + envelopeBytes;
  if (bytes <= frameBytesMax) return;
  const message = `The Commands make a frame of ${bytes} bytes; agents take ${frameBytesMax}. Send fewer or smaller Commands.`;
  throw new ApiError("TOO_LARGE", message);
}

function withId(command: GivenBatch["commands"][number]): WireCommand {
  // Other fields are those of the Command's type: the check lets them through.
  return command.id === undefined ? { ...command, id: randomUUID() } : (command as WireCommand);
}
