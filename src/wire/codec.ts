/** Frames to text and back. The decoder trusts nothing: what it returns has the declared shape. */
import { MalformedFrameError, UnsupportedVersionError } from "./errors.ts";
import type { Frame, Lane } from "./frames.ts";
import { exceedsDepth } from "./json-depth.ts";
import { agentIdPattern, frameDepthMax, protocolVersion } from "./limits.ts";
import { frameChecks } from "./schemas.ts";

/** The text of a frame, for one WebSocket text message. */
export function encodeFrame(frame: Frame): string {
  return JSON.stringify(frame);
}

/** The text of a Response whose Answers are JSON text already; the same as `encodeFrame` makes of them. */
export function encodeResponse(seq: number, lane: Lane, answers: readonly string[]): string {
  return `{"v":1,"kind":"response","seq":${seq},"lane":"${lane}","answers":[${answers.join(",")}]}`;
}

/** The text of a progress frame whose Answer is JSON text already. */
export function encodeProgress(seq: number, lane: Lane, index: number, answer: string): string {
  return `{"v":1,"kind":"progress","seq":${seq},"lane":"${lane}","index":${index},"answer":${answer}}`;
}

/** What a decoder goes by. */
export interface DecoderOptions {
  /** Largest message, in bytes of UTF-8. */
  readonly bytesMax: number;
}

/**
 * Makes a decoder of WebSocket text messages. Fields that nobody declared are kept, except `__proto__`, which no
 * honest sender uses and which a careless reader could trip over.
 * @throws MalformedFrameError from the decoder, saying what was wrong.
 */
export function createDecoder({ bytesMax }: DecoderOptions): (data: Buffer | string) => Frame {
  return (data) => {
    const bytes = sizeOf(data, bytesMax);
    if (bytes > bytesMax) {
      throw new MalformedFrameError(
        "TOO_LARGE",
        `The frame has ${bytes} bytes; ${bytesMax} are allowed.`,
      );
    }
    const text = typeof data === "string" ? data : data.toString("utf8");
    if (exceedsDepth(text, frameDepthMax)) {
      throw new MalformedFrameError(
        "TOO_DEEP",
        `The frame is nested deeper than ${frameDepthMax} levels.`,
      );
    }
    return checkShape(parse(text));
  };
}

function sizeOf(data: Buffer | string, bytesMax: number): number {
  if (typeof data !== "string") return data.length;
  // A UTF-16 unit takes 3 bytes at most, so that most strings need no counting.
  return data.length * 3 <= bytesMax ? data.length : Buffer.byteLength(data);
}

function parse(text: string): unknown {
  try {
    // An escape may spell the name too: then the slow way looks.
    return text.includes("__proto__") || text.includes("\\u00")
      ? JSON.parse(text, dropProto)
      : JSON.parse(text);
  } catch (cause) {
    throw new MalformedFrameError("NOT_JSON", "The message is not JSON.", { cause });
  }
}

function dropProto(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}

function checkShape(value: unknown): Frame {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongShape("The frame is not a JSON object.");
  }
  const { v, kind } = value as { readonly v?: unknown; readonly kind?: unknown };
  if (v !== protocolVersion) {
    if (typeof v !== "number") throw wrongShape("/v: must be a number, the protocol version.");
    throw new UnsupportedVersionError(v, helloAgentId(value));
  }
  switch (kind) {
    case "request":
    case "response":
    case "progress":
    case "ack":
    case "error": {
      const check = frameChecks[kind];
      // The schemas say what Frame says: schemas.ts has the compiler compare them.
      if (check.Check(value)) return value;
      throw wrongShape(firstError(check, value));
    }
    default:
      throw wrongShape("/kind: must be request, response, progress, ack or error.");
  }
}

/** Who says hello in a frame of a version that is not known here; undefined when that can't be read. */
function helloAgentId(frame: object): string | undefined {
  const { hello } = frame as { readonly hello?: { readonly agentId?: unknown } | null };
  const agentId = typeof hello === "object" ? hello?.agentId : undefined;
  const isOne = typeof agentId === "string" && new RegExp(agentIdPattern).test(agentId);
  return isOne ? agentId : undefined;
}

function firstError(check: (typeof frameChecks)[keyof typeof frameChecks], value: object): string {
  const error = check.Errors(value)[0];
  return error === undefined
    ? "The frame has the wrong shape."
    : `${error.instancePath || "/"}: ${error.message}.`;
}

function wrongShape(message: string): MalformedFrameError {
  return new MalformedFrameError("WRONG_SHAPE", message);
}
