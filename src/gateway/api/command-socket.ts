/**
 * One caller's WebSocket (docs/CLIENT-API.md): calls come in a stream, replies go out as they are ready. The hot path of the
 * direct lane: a compiled check, one promise for each call, no log line.
 */
import type { Duplex } from "node:stream";
import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";
import type { RawData, WebSocket } from "ws";
import { agentIdPattern } from "../../wire/limits.ts";
import { callerRequest, checkFits } from "./caller-request.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import { knownProblem, problemOfError } from "./problem-of-error.ts";
import { commandFields } from "./schemas.ts";
import { firstError, parseJson } from "./validation.ts";
import { TurnCork } from "../turn-cork.ts";

const callSchema = Type.Object(
  {
    id: Type.Integer({ minimum: 0 }),
    method: Type.Enum(["send", "ask"]),
    agentId: Type.String({ pattern: agentIdPattern }),
    ...commandFields,
  },
  { additionalProperties: false },
);
const callCheck = Compile(callSchema);
type Call = Static<typeof callSchema>;

/** Calls of one socket that wait for their Answers. */
const inFlightMax = 10_000;
/** Replies that the caller has not taken: beyond the first it is not listened to, until they are below the second. */
const unreadBytes = { pause: 8 * 1024 * 1024, resume: 1024 * 1024 };
const malformed = 4400;

export class CommandSocket {
  readonly #ws: WebSocket;
  readonly #raw: Duplex;
  readonly #cork: TurnCork;
  readonly #parts: ApiParts;
  readonly #onCall: () => void;
  readonly #onIdle: (() => void)[] = [];
  #inFlight = 0;
  #isAlive = true;

  constructor(ws: WebSocket, raw: Duplex, parts: ApiParts, onCall: () => void) {
    this.#ws = ws;
    this.#raw = raw;
    this.#cork = new TurnCork(raw);
    this.#parts = parts;
    this.#onCall = onCall;
    ws.on("message", (data, isBinary) => {
      this.#onMessage(data, isBinary);
    });
    ws.on("pong", () => {
      this.#isAlive = true;
    });
    // ws closes by itself after an error.
    ws.on("error", (error) => {
      parts.log.debug({ err: error }, "a command socket failed");
    });
  }

  /** Called at each beat: a caller that did not answer the last one is gone. */
  heartbeat(): void {
    if (this.#ws.isPaused) return;
    if (!this.#isAlive) {
      this.#ws.terminate();
      return;
    }
    this.#isAlive = false;
    this.#ws.ping();
  }

  /** Resolves when no call is open. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#onCall();
    let value: unknown;
    try {
      if (isBinary || !Buffer.isBuffer(data)) {
        throw new ApiError("MALFORMED_JSON", "The message is binary: send text messages.");
      }
      value = parseJson(data.toString("utf8"));
      if (!callCheck.Check(value)) {
        throw new ApiError("INVALID_REQUEST", firstError(callCheck, value));
      }
    } catch (error) {
      this.#onRubbish(value, error);
      return;
    }
    this.#carryOut(value, data.length);
  }

  /** What carries an id gets a reply; what does not can't be answered, so the socket ends. */
  #onRubbish(value: unknown, error: unknown): void {
    const id = (value as { readonly id?: unknown } | undefined | null)?.id;
    const problem = problemOfError(error);
    const isCall = typeof id === "number" && Number.isSafeInteger(id);
    this.#write(JSON.stringify({ id: isCall ? id : null, problem }));
    if (!isCall) this.#ws.close(malformed, problem.code);
  }

  #carryOut(call: Call, bytes: number): void {
    const { id, agentId } = call;
    let answers;
    const request = callerRequest(call);
    try {
      if (this.#inFlight >= inFlightMax) {
        throw new ApiError("TOO_MANY_IN_FLIGHT", `${inFlightMax} calls are open on this socket.`);
      }
      const { lanes, config } = this.#parts;
      checkFits(request, bytes, config.frameBytesMax);
      answers =
        call.method === "ask"
          ? lanes.sendDirect(agentId, request)
          : lanes.sendDurable(agentId, request);
    } catch (error) {
      this.#refuse(id, error);
      return;
    }
    this.#inFlight++;
    answers
      .then(
        (all) => {
          this.#write(JSON.stringify({ id, requestId: request.requestId, answers: all }));
        },
        (error: unknown) => {
          this.#refuse(id, error);
        },
      )
      .finally(() => {
        this.#inFlight--;
        if (this.#inFlight === 0) for (const idle of this.#onIdle.splice(0)) idle();
      });
  }

  #refuse(id: number, error: unknown): void {
    if (knownProblem(error) === undefined) {
      this.#parts.log.warn({ err: error }, "a call on a command socket failed");
    }
    this.#write(JSON.stringify({ id, problem: problemOfError(error) }));
  }

  #write(text: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#cork.untilNextTick();
    this.#ws.send(text);
    if (this.#ws.bufferedAmount < unreadBytes.pause || this.#ws.isPaused) return;
    this.#ws.pause();
    const resume = (): void => {
      if (this.#ws.readyState !== this.#ws.OPEN) return;
      if (this.#ws.bufferedAmount <= unreadBytes.resume) this.#ws.resume();
      else this.#raw.once("drain", resume);
    };
    this.#raw.once("drain", resume);
  }
}
