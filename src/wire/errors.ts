import { protocolVersion } from "./limits.ts";

/** A frame that breaks the protocol. `code` is stable; `message` says what was wrong, for the sender. */
export class MalformedFrameError extends Error {
  readonly code: "TOO_LARGE" | "NOT_JSON" | "TOO_DEEP" | "WRONG_SHAPE" | "UNSUPPORTED_VERSION";
  constructor(code: MalformedFrameError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MalformedFrameError";
    this.code = code;
  }
}

/** A frame of another version of the protocol; its sender may be whole. */
export class UnsupportedVersionError extends MalformedFrameError {
  readonly spoken: number;
  /** When it is a hello that could be read so far. */
  readonly agentId: string | undefined;
  constructor(spoken: number, agentId: string | undefined) {
    super(
      "UNSUPPORTED_VERSION",
      `The frame is of protocol version ${spoken}; this side speaks version ${protocolVersion}.`,
    );
    this.name = "UnsupportedVersionError";
    this.spoken = spoken;
    this.agentId = agentId;
  }
}
