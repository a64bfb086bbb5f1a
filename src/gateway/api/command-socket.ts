/**
 * One caller's WebSocket (docs/CLIENT-API.md): calls come in a stream, replies go out as they are ready. The hot path of the
 * direct lane: a compiled check, one promise for each call, no log line.
 */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { TurnCork } from "../../wire/turn-cork.ts";
import type { CallerRequest, OpenCall } from "../command-lanes.ts";
import { callerRequest, checkFits } from "./caller-request.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import { knownProblem, problemOfError } from "./problem-of-error.ts";
import { readCall, type BatchCall, type CancelCall, type SocketCall } from "./socket-calls.ts";
import { parseJson } from "./validation.ts";

/** Calls of one socket that wait for their Answers. */
const inFlightMax = 10_000;
/**
 * Replies that the caller has not taken: beyond the first it is not listened to, until they are below the second; beyond
 * the third it is dropped.
 */
const unreadBytes = { pause: 8 * 1024 * 1024, resume: 1024 * 1024, drop: 256 * 1024 * 1024 };
const malformed = 4400;

interface Call {
  readonly call: SocketCall;
  /** Of a batch: also one that was made up. */
  requestId: string | undefined;
  open: OpenCall | undefined;
}

export class CommandSocket {
  readonly #ws: WebSocket;
  readonly #raw: Duplex;
  readonly #cork: TurnCork;
  readonly #parts: ApiParts;
  readonly #onCall: () => void;
  readonly #onIdle: (() => void)[] = [];
  /** Calls that wait for their reply, by their ids. */
  readonly #calls = new Map<number, Call>();
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

  /** The caller is gone: it leaves all that it waits for. */
  onClose(): void {
    for (const { open } of [...this.#calls.values()]) {
      open?.leave("its caller's connection closed");
    }
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#onCall();
    let value: unknown;
    let call: SocketCall;
    try {
      if (isBinary || !Buffer.isBuffer(data)) {
        throw new ApiError("MALFORMED_JSON", "The message is binary: send text messages.");
      }
      value = parseJson(data.toString("utf8"));
      call = readCall(value);
    } catch (error) {
      this.#onRubbish(value, error);
      return;
    }
    this.#carryOut(call, data.length);
  }

  /** What carries an id gets a reply; what does not can't be answered, so the socket ends. */
  #onRubbish(value: unknown, error: unknown): void {
    const id = (value as { readonly id?: unknown } | undefined | null)?.id;
    const problem = problemOfError(error);
    const isCall = typeof id === "number" && Number.isSafeInteger(id);
    this.#write(JSON.stringify({ id: isCall ? id : null, problem }));
    if (!isCall) this.#ws.close(malformed, problem.code);
  }

  #carryOut(call: SocketCall, bytes: number): void {
    const { id } = call;
    const mine: Call = { call, requestId: undefined, open: undefined };
    let reply: Promise<object>;
    try {
      if (this.#inFlight >= inFlightMax) {
        throw new ApiError("TOO_MANY_IN_FLIGHT", `${inFlightMax} calls are open on this socket.`);
      }
      reply = this.#begin(mine, bytes);
    } catch (error) {
      this.#refuse(id, error);
      return;
    }
    this.#inFlight++;
    this.#calls.set(id, mine);
    void reply.then(
      (fields) => {
        this.#write(JSON.stringify({ id, ...fields }));
        this.#onReplied(mine);
      },
      (error: unknown) => {
        this.#refuse(id, error);
        this.#onReplied(mine);
      },
    );
  }

  #onReplied(mine: Call): void {
    const { id } = mine.call;
    this.#inFlight--;
    if (this.#calls.get(id) === mine) this.#calls.delete(id);
    if (this.#inFlight === 0) for (const idle of this.#onIdle.splice(0)) idle();
  }

  /** Gives the fields of the reply. */
  #begin(mine: Call, bytes: number): Promise<object> {
    const { call } = mine;
    switch (call.method) {
      case "ask":
      case "send":
      case "submit":
        return this.#beginBatch(mine, call, bytes);
      case "request":
        return this.#parts.requests
          .lookUp(call.requestId, call.waitSeconds ?? 0, (open) => {
            mine.open = open;
          })
          .then((request) => ({ request }));
      case "cancel":
        return this.#cancel(call);
    }
  }

  #beginBatch(mine: Call, call: BatchCall, bytes: number): Promise<object> {
    const { lanes, config } = this.#parts;
    const { id, agentId, method } = call;
    const request: CallerRequest = {
      ...callerRequest(call),
      onOpen: (open) => {
        mine.open = open;
      },
      ...(call.progress === true && {
        onProgress: (index, answer) => {
          this.#writeNews(JSON.stringify({ id, progress: { index, answer } }));
        },
      }),
    };
    checkFits(request, bytes, config.frameBytesMax);
    const { requestId } = request;
    mine.requestId = requestId;
    if (method === "submit") {
      return lanes
        .submitDurable(agentId, request)
        .then((admission) => ({ requestId, ...admission }));
    }
    const answers =
      method === "ask" ? lanes.sendDirect(agentId, request) : lanes.sendDurable(agentId, request);
    return answers.then((all) => ({ requestId, answers: all }));
  }

  async #cancel({ requestId, callId, reason }: CancelCall): Promise<object> {
    const mine = callId === undefined ? undefined : this.#calls.get(callId);
    if (mine?.call.method === "ask") {
      mine.open?.leave(reason ?? "cancelled by its caller");
      return { result: mine.open === undefined ? "settled" : "asked" };
    }
    const cancelled = requestId ?? mine?.requestId;
    if (cancelled === undefined) return { result: "settled" };
    const { result } = await this.#parts.requests.cancel(cancelled, reason);
    return { result };
  }

  #refuse(id: number, error: unknown): void {
    if (knownProblem(error) === undefined) {
      this.#parts.log.warn({ err: error }, "a call on a command socket failed");
    }
    this.#write(JSON.stringify({ id, problem: problemOfError(error) }));
  }

  /** What a caller that does not read can do without: the reply says it again. */
  #writeNews(text: string): void {
    if (!this.#ws.isPaused) this.#write(text);
  }

  #write(text: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#cork.untilNextTick();
    this.#ws.send(text);
    if (this.#ws.bufferedAmount > unreadBytes.drop) this.#ws.terminate();
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
