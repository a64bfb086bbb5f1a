/**
 * One connection to the manager that comes back by itself. Calls are pipelined over it and outlive it: those of the durable
 * lane are asked again with their request id, which makes that safe; those of the direct lane are lost with it.
 *
 * States: `idle` (nothing to do) → `connecting` → `open` → `waiting` (for the next try) → `connecting` …; `closed` ends it.
 */
import { WebSocket } from "ws";
import { abandon, waitMsOf, type Call, type CallRequest } from "./call.ts";
import { dial, DialRefusedError, type DialOptions } from "./dial.ts";
import { readMessage, refusalOf } from "./socket-messages.ts";
import type { Answer } from "../api/index.ts";
import type { AgentManagerError } from "./errors.ts";

export type LinkState = "idle" | "connecting" | "open" | "waiting" | "closed";

const retryMs = { first: 100, most: 5_000 };
const tickMs = 250;
/** A gateway that says nothing for so long after it was pinged is gone. */
const silenceMs = 10_000;
/** A gateway answers within the wait and a grace of its own; how much longer a lost one is looked for. */
const graceMs = 10_000;

export interface LinkOptions extends Omit<DialOptions, "url"> {
  /** Gateways, tried in turn. */
  readonly urls: readonly string[];
  readonly onStateChange?: ((from: LinkState, to: LinkState, why: string) => void) | undefined;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #calls = new Map<number, Call>();
  #state: LinkState = "idle";
  #socket: WebSocket | undefined;
  #write: (text: string) => void = () => undefined;
  #nextId = 1;
  #nextUrl = 0;
  #retryMs = retryMs.first;
  #retryTimer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #heardAtMs = 0;
  #lastFailure: unknown;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Answers, one for each Command; rejects with an AgentManagerError. */
  call(request: CallRequest): Promise<readonly Answer[]> {
    return new Promise<readonly Answer[]>((settle, fail: (error: AgentManagerError) => void) => {
      const id = this.#nextId++;
      const waitOverMs = performance.now() + waitMsOf(request);
      const call = { id, request, waitOverMs, onWire: false, wasSent: false, settle, fail };
      if (this.#state === "closed") {
        abandon(call, "CLOSED", "The AgentManager is closed.");
        return;
      }
      this.#calls.set(id, call);
      if (this.#state === "open") this.#send(call);
      else if (this.#state === "idle") this.#connect("there is something to send");
    });
  }

  /** Ends the connection, and the calls that wait. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    const socket = this.#socket;
    this.#change("closed", "close() was called");
    clearTimeout(this.#retryTimer);
    clearInterval(this.#ticker);
    for (const call of this.#calls.values()) {
      abandon(call, "CLOSED", "The AgentManager was closed before the Answers came.");
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
    this.#ticker ??= setInterval(() => {
      this.#tick();
    }, tickMs);
    const { urls, token, ca } = this.#options;
    const url = urls[this.#nextUrl % urls.length] ?? "";
    const { socket, opened } = dial({ url, token, ca });
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      this.#onMessage(data.toString("utf8"));
    });
    socket.on("pong", () => {
      this.#heardAtMs = performance.now();
    });
    socket.once("close", (code, reason) => {
      if (this.#state !== "open" || this.#socket !== socket) return;
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
      for (const call of this.#take(() => true)) abandon(call, error.code, message, error);
    }
    this.#wait(`no connection to ${url}: ${message}`);
  }

  /** Whether calls of the direct lane were carried out is not known; the others are asked again. */
  #onLost(why: string): void {
    for (const call of this.#take(({ request, onWire }) => onWire && request.method === "ask")) {
      abandon(call, "CONNECTION_LOST", `Lost: ${why}.`);
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
    call.wasSent = true;
    this.#write(JSON.stringify({ id: call.id, ...call.request }));
  }

  #onMessage(text: string): void {
    this.#heardAtMs = performance.now();
    const message = readMessage(text);
    if (message?.id == null) return;
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    if ("answers" in message && isGoodbye(message.answers) && this.#mayAskAgain(call)) {
      // The gateway stops and can't wait with us: the next one can.
      call.onWire = false;
      return;
    }
    this.#calls.delete(call.id);
    if ("answers" in message) call.settle(message.answers);
    else call.fail(refusalOf(message.problem, call.request.requestId));
  }

  #mayAskAgain({ request, waitOverMs }: Call): boolean {
    return request.method === "send" && performance.now() < waitOverMs;
  }

  #tick(): void {
    const nowMs = performance.now();
    if (this.#state === "open") {
      if (nowMs - this.#heardAtMs > silenceMs) this.#socket?.terminate();
      else if (nowMs - this.#heardAtMs > silenceMs / 2) this.#socket?.ping();
      for (const call of this.#calls.values()) if (!call.onWire) this.#send(call);
      return;
    }
    const isOver = ({ wasSent, waitOverMs }: Call): boolean =>
      nowMs > waitOverMs + (wasSent ? graceMs : 0);
    for (const call of this.#take(isOver)) {
      const code = call.wasSent ? "NO_NEWS" : "NOT_CONNECTED";
      const why = this.#lastFailure instanceof Error ? ` (${this.#lastFailure.message})` : "";
      abandon(call, code, `No gateway could be reached${why}.`, this.#lastFailure);
    }
  }

  /** Removes the calls that fit, and gives them. */
  #take(fits: (call: Call) => boolean): readonly Call[] {
    const taken = [...this.#calls.values()].filter(fits);
    for (const call of taken) this.#calls.delete(call.id);
    return taken;
  }
}

function isGoodbye(answers: readonly Answer[]): boolean {
  return answers.every(
    ({ errorCode, outcome }) => errorCode === "NO_NEWS" && outcome === "unknown",
  );
}
