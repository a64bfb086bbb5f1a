/**
 * One connection to the manager that comes back by itself. Calls are pipelined over it and outlive it: repeatable ones (those of
 * the durable lane, by their request id) are asked again; the others are lost with it.
 *
 * States: `idle` (nothing to do) → `connecting` → `open` → `waiting` (for the next try) → `connecting` …; `closed` ends it.
 */
import { WebSocket } from "ws";
import type { Answer } from "../api/index.ts";
import { Call, type CallRequest } from "./call.ts";
import { dial, DialRefusedError, type DialOptions } from "./dial.ts";
import type { ManagerErrorCode } from "./errors.ts";
import { readMessage, refusalOf, type SocketReply } from "./socket-messages.ts";

export type LinkState = "idle" | "connecting" | "open" | "waiting" | "closed";

const retryMs = { first: 100, most: 5_000 };
/** How long a connection may take; without patience there are other ways. */
const connectMs = { patient: 10_000, impatient: 3_000 };
const tickMs = 250;
/** A gateway that says nothing for so long, though it is pinged at half of it, is gone. */
const silenceMsDefault = 10_000;
/** A gateway answers within the wait and a grace of its own; how much longer a lost one is looked for. */
const graceMs = 10_000;
/** Close code of a socket on which a message was too large: sent again, it would end the next one. */
const tooLarge = 1009;

export interface LinkOptions extends Omit<DialOptions, "url" | "withinMs"> {
  /** Gateways, tried in turn. */
  readonly urls: readonly string[];
  /** Without patience, calls that were never sent end as soon as a try to connect fails. */
  readonly isPatient: boolean;
  readonly silenceMs?: number | undefined;
  readonly onStateChange?: ((from: LinkState, to: LinkState, why: string) => void) | undefined;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #silenceMs: number;
  readonly #calls = new Map<number, Call>();
  #state: LinkState = "idle";
  #socket: WebSocket | undefined;
  #write: (text: string) => void = () => undefined;
  #nextId = 1;
  #nextUrl = 0;
  #retryMs = retryMs.first;
  #retryTimer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;
  #heardAtMs = 0;
  #lastFailure: unknown;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs ?? silenceMsDefault;
  }

  /** Calls that wait for their reply. */
  get waiting(): number {
    return this.#calls.size;
  }

  /** The gateway that it is connected to, or connects to next. */
  get url(): string {
    const { urls } = this.#options;
    return urls[this.#nextUrl % urls.length] ?? "";
  }

  /** Asks; the call's `reply` rejects with an AgentManagerError. */
  call(request: CallRequest): Call {
    const call = new Call(this.#nextId++, request);
    if (this.#state === "closed") {
      call.abandon("CLOSED", "The AgentManager is closed.");
      return call;
    }
    this.#calls.set(call.id, call);
    if (this.#state === "open") this.#send(call);
    else if (this.#state === "idle") this.#connect("there is something to send");
    return call;
  }

  /** Stops waiting for a call's reply, unless it is there: the call rejects. */
  withdraw(call: Call, code: ManagerErrorCode, why: string, cause?: unknown): void {
    if (this.#calls.delete(call.id)) call.abandon(code, why, cause);
  }

  /** Has the gateway cancel an open call of this connection at the agent. Nobody waits for what it replies. */
  cancelCall(call: Call, reason: string): void {
    if (this.#state !== "open" || !call.onWire) return;
    const id = this.#nextId++;
    this.#write(JSON.stringify({ id, method: "cancel", callId: call.id, reason }));
  }

  /** Ends the connection, and the calls that wait. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    const socket = this.#socket;
    this.#change("closed", "close() was called");
    clearTimeout(this.#retryTimer);
    clearInterval(this.#ticker);
    for (const call of this.#calls.values()) {
      call.abandon("CLOSED", "The AgentManager was closed before the reply came.");
    }
    this.#calls.clear();
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const insist = setTimeout(() => {
        socket.terminate();
      }, 1_000);
      socket.once("close", () => {
        clearTimeout(insist);
        resolve();
      });
      socket.close(1000);
    });
  }

  /** The one gate of the machine. */
  #change(to: LinkState, why: string): void {
    const from = this.#state;
    this.#state = to;
    this.#options.onStateChange?.(from, to, why);
  }

  #connect(why: string): void {
    this.#change("connecting", why);
    this.#startTicking();
    const { token, ca, isPatient } = this.#options;
    const { url } = this;
    const withinMs = isPatient ? connectMs.patient : connectMs.impatient;
    const { socket, opened } = dial({ url, token, ca, withinMs });
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      this.#onMessage(data.toString("utf8"));
    });
    socket.on("pong", () => {
      this.#heardAtMs = performance.now();
    });
    socket.once("close", (code, reason) => {
      if (this.#state !== "open" || this.#socket !== socket) return;
      if (code === tooLarge) this.#refuseLargest(url);
      this.#onLost(`the connection to ${url} ended with ${code} ${reason.toString("utf8")}`);
    });
    opened.then(
      (write) => {
        if (this.#state !== "connecting") return;
        this.#write = write;
        this.#onOpen(url);
      },
      (error: unknown) => {
        if (this.#state === "connecting") this.#onRefused(url, error);
      },
    );
  }

  #onOpen(url: string): void {
    this.#heardAtMs = performance.now();
    this.#retryMs = retryMs.first;
    this.#change("open", `connected to ${url}`);
    for (const call of this.#calls.values()) this.#send(call);
  }

  #onRefused(url: string, error: unknown): void {
    this.#nextUrl++;
    this.#lastFailure = error;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof DialRefusedError && error.isFinal) {
      for (const call of this.#take(() => true)) call.abandon(error.code, message, error);
    } else if (!this.#options.isPatient) {
      for (const call of this.#take(({ timesSent }) => timesSent === 0)) {
        call.abandon("NOT_CONNECTED", `${url} can't be reached (${message}).`, error);
      }
    }
    this.#wait(`no connection to ${url}: ${message}`);
  }

  /** The gateway does not say which message was too large; if one was, the largest was. */
  #refuseLargest(url: string): void {
    let largest: Call | undefined;
    for (const call of this.#calls.values()) {
      if (call.onWire && call.text.length > (largest?.text.length ?? 0)) largest = call;
    }
    if (largest === undefined) return;
    this.#calls.delete(largest.id);
    const detail = `The call has ${largest.text.length} characters, which is more than ${url} takes (MUSTER_FRAME_BYTES_MAX). Send fewer or smaller Commands.`;
    const problem = { code: "TOO_LARGE", detail };
    largest.fail(refusalOf(problem, largest.request.requestId, largest.timesSent > 1));
  }

  /** Whether calls that can't be repeated were carried out is not known; the others are asked again. */
  #onLost(why: string): void {
    for (const call of this.#take(({ repeatable, onWire }) => onWire && !repeatable)) {
      call.abandon("CONNECTION_LOST", `Lost: ${why}.`);
    }
    for (const call of this.#calls.values()) call.onWire = false;
    this.#nextUrl++;
    this.#wait(why);
  }

  #wait(why: string): void {
    this.#socket = undefined;
    if (this.#calls.size === 0) {
      this.#change("idle", why);
      clearInterval(this.#ticker);
      this.#ticker = undefined;
      return;
    }
    this.#change("waiting", why);
    const pauseMs = this.#retryMs * (0.5 + Math.random() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, retryMs.most);
    this.#retryTimer = setTimeout(() => {
      this.#connect("trying again");
    }, pauseMs);
  }

  #send(call: Call): void {
    call.onWire = true;
    call.timesSent++;
    this.#write(call.text);
  }

  #onMessage(text: string): void {
    this.#heardAtMs = performance.now();
    const message = readMessage(text);
    if (message?.id == null) return;
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    if ("progress" in message) {
      call.request.onProgress?.(message.progress);
      return;
    }
    if ("problem" in message) {
      this.#calls.delete(call.id);
      const { requestId, asksOnly } = call.request;
      const mayBeTaken = call.timesSent > 1 || asksOnly === true;
      call.fail(refusalOf(message.problem, requestId, mayBeTaken));
      return;
    }
    if (isGoodbye(message) && call.repeatable && performance.now() < call.request.waitOverMs) {
      // The gateway stops and can't wait with us: the next one can.
      call.onWire = false;
      return;
    }
    this.#calls.delete(call.id);
    call.settle(message);
  }

  #startTicking(): void {
    if (this.#ticker !== undefined) return;
    this.#tickedAtMs = performance.now();
    this.#ticker = setInterval(() => {
      this.#tick();
    }, tickMs);
  }

  #tick(): void {
    const nowMs = performance.now();
    // A process that stood still has not listened either: what came meanwhile is read after this.
    this.#heardAtMs += Math.max(0, nowMs - this.#tickedAtMs - 2 * tickMs);
    this.#tickedAtMs = nowMs;
    if (this.#state === "open") {
      const silentMs = nowMs - this.#heardAtMs;
      if (silentMs > this.#silenceMs) this.#socket?.terminate();
      else if (silentMs > this.#silenceMs / 2) this.#socket?.ping();
      for (const call of this.#calls.values()) if (!call.onWire) this.#send(call);
      return;
    }
    const isOver = ({ timesSent, request: { waitOverMs } }: Call): boolean =>
      nowMs > waitOverMs + (timesSent > 0 ? graceMs : 0);
    for (const call of this.#take(isOver)) {
      const code = call.timesSent > 0 ? "NO_NEWS" : "NOT_CONNECTED";
      const why = this.#lastFailure instanceof Error ? ` (${this.#lastFailure.message})` : "";
      call.abandon(code, `No gateway could be reached${why}.`, this.#lastFailure);
    }
  }

  /** Removes the calls that fit, and gives them. */
  #take(fits: (call: Call) => boolean): readonly Call[] {
    const taken = [...this.#calls.values()].filter(fits);
    for (const call of taken) this.#calls.delete(call.id);
    return taken;
  }
}

/** What a gateway that stops gives for the Answers of a Request that goes on. */
function isGoodbye({ answers }: SocketReply): boolean {
  return (
    Array.isArray(answers) &&
    (answers as readonly Answer[]).every(
      ({ errorCode, outcome }) => errorCode === "NO_NEWS" && outcome === "unknown",
    )
  );
}
