import { MalformedFrameError } from "../wire/errors.ts";
import type { Frame, HelloFields } from "../wire/frames.ts";
import { resourcesInAgentMax } from "../wire/limits.ts";
import { readStartup, type WireStartup } from "./session-commands.ts";

/** The first frame of a session, read. */
export interface Hello {
  readonly seq: number;
  readonly fields: HelloFields;
  readonly startups: readonly WireStartup[];
}

/**
 * Reads the frame that begins a session.
 * @throws MalformedFrameError WRONG_SHAPE when it is something else.
 */
export function readHello(frame: Frame): Hello {
  if (frame.kind !== "request" || frame.lane !== "session" || frame.hello === undefined) {
    throw new MalformedFrameError(
      "WRONG_SHAPE",
      "The first frame is a Request on the session lane with `hello` and the Startup Commands.",
    );
  }
  const { hello, commands, seq } = frame;
  if (commands.length > resourcesInAgentMax) {
    throw new MalformedFrameError("WRONG_SHAPE", `More than ${resourcesInAgentMax} resources.`);
  }
  return { seq, fields: hello, startups: commands.map(readStartup) };
}
