/**
 * The link to one run of another gateway: one WebSocket, opened by the first call, over which calls are pipelined. It speaks
 * what callers speak (docs/CLIENT-API.md). When it breaks, its calls end: what follows is the lanes' to say.
 *
 * States: `idle` → `connecting` → `open` → `idle` again when it breaks or is no longer used; `closed` ends it.
 */
import { WebSocket } from "ws";
import type { Answer } from "../../api/index.ts";
import type { CallerRequest } from "../command-lanes.ts";
import { PeerLostError, RequestRefusedError } from "../errors.ts";

const connectMs = 3_000;
/** A peer that does not answer a WebSocket ping for so long is gone. */
const silenceMs = 6_000;
const pingEveryMs = 2_000;
/** Bytes that may wait for a peer that does not read. */
const queuedBytesMax = 16 * 1024 * 1024;
/** Largest message of a peer: an Answer, and what stands around it, twice over. */
const messageBytesMax = 128 * 1024 * 1024;

export type PeerMethod = "ask" | "send" | "submit";

/** The reply to a call that went well. */
export interface PeerReply {
  readonly answers?: readonly Answer[];
  readonly [field: string]: unknown;
}

interface Call {
  readonly text: string;
  readonly onProgress: CallerRequest["onProgress"];
  written: boolean;
  readonly settle: (reply: PeerReply) => void;
  readonly fail: (error: Error) => void;
}

export interface PeerLinkOptions {
  /** Operator API of that gateway: http(s)://host:port, without a path. */
  readonly apiUrl: string;
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ca: readonly string[] | undefined;
  readonly nowMs: () => number;
  /** Told of each change of the state. */
  readonly onChange: (from: PeerState, to: PeerState, why: string) => void;
}

export type PeerState = "idle" | "connecting" | "open" | "closed";

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #path: string;
  readonly #calls = new Map<number, Call>();
  #state: PeerState = "idle";
  #socket: WebSocket | undefined;
  #nextId = 1;
  #heardAtMs = 0;
  #beat: NodeJS.Timeout | undefined;

  constructor(options: PeerLinkOptions, path: string) {
    this.#options = options;
    this.#path = path;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /**
   * Makes a call; `onBegun` is given the way to leave it.
   * @throws RequestRefusedError as the peer refused it; PeerLostError when the link broke, which says whether the call may
   *   have reached the peer.
   */
  call(
    method: PeerMethod,
    agentId: string,
    request: CallerRequest,
    onBegun?: (leave: (reason: string) => void) => void,
  ): Promise<PeerReply> {
    return new Promise((settle, fail) => {
      if (this.#state === "closed") {
        fail(new PeerLostError(this.#options.name, false, "this gateway stops"));
        return;
      }
      const socket = this.#socket;
      if (this.#state === "open" && (socket?.bufferedAmount ?? 0) > queuedBytesMax) {
        fail(new PeerLostError(this.#options.name, false, "it does not read what it is sent"));
        return;
      }
      const id = this.#nextId++;
      const { requestId, commands, onError, waitSeconds, onProgress } = request;
      const text = JSON.stringify({
        id,
        method,
        agentId,
        commands,
        onError,
        requestId,
        ...(waitSeconds !== undefined && { waitSeconds }),
        ...(onProgress !== undefined && { progress: true }),
      });
      const call: Call = { text, onProgress, written: false, settle, fail };
      this.#calls.set(id, call);
      onBegun?.((reason) => {
        this.#leave(id, reason);
      });
      if (this.#state === "open") this.#write(call);
      else if (this.#state === "idle") this.#connect();
    });
  }

  /** Ends it, and the calls under way. */
  close(): void {
    if (this.#state === "closed") return;
    this.#change("closed", "this gateway stops");
    this.#socket?.close(1000);
    this.#end("this gateway stops");
  }

  /** The one gate of the machine. */
  #change(to: PeerState, why: string): void {
    const from = this.#state;
    this.#state = to;
    this.#options.onChange(from, to, why);
  }

  #connect(): void {
    const { apiUrl, headers, ca } = this.#options;
    this.#change("connecting", "there is something to ask");
    const url = `${apiUrl.replace(/^http/, "ws").replace(/\/+$/, "")}${this.#path}`;
    const socket = new WebSocket(url, {
      headers,
      perMessageDeflate: false,
      maxPayload: messageBytesMax,
      handshakeTimeout: connectMs,
      ...(ca !== undefined && { ca: [...ca] }),
    });
    this.#socket = socket;
    socket.on("open", () => {
      if (this.#state === "connecting") this.#onOpen(socket);
    });
    socket.on("message", (data: Buffer) => {
      this.#heardAtMs = this.#options.nowMs();
      this.#onMessage(data.toString("utf8"));
    });
    socket.on("pong", () => {
      this.#heardAtMs = this.#options.nowMs();
    });
    let why = "";
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      why = `it answered with HTTP ${response.statusCode ?? "?"}`;
      socket.terminate();
    });
    socket.on("error", (error) => {
      why ||= error.message;
    });
    socket.on("close", (code) => {
      if (this.#socket === socket) this.#onLost(why || `the link ended with ${code}`);
    });
  }

  #onOpen(socket: WebSocket): void {
    this.#heardAtMs = this.#options.nowMs();
    this.#change("open", "connected");
    this.#beat = setInterval(() => {
      if (this.#options.nowMs() - this.#heardAtMs > silenceMs) socket.terminate();
      else socket.ping();
    }, pingEveryMs);
    for (const call of this.#calls.values()) this.#write(call);
  }

  #onLost(why: string): void {
    if (this.#state === "closed") return;
    this.#change("idle", why);
    this.#end(why);
  }

  #end(why: string): void {
    clearInterval(this.#beat);
    this.#socket = undefined;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { fail, written } of calls) {
      fail(new PeerLostError(this.#options.name, written, why));
    }
  }

  #write(call: Call): void {
    call.written = true;
    this.#socket?.send(call.text);
  }

  /** The peer is told; what it answers to the call itself still comes. */
  #leave(callId: number, reason: string): void {
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    if (!call.written) {
      this.#calls.delete(callId);
      call.fail(new PeerLostError(this.#options.name, false, reason));
      return;
    }
    this.#socket?.send(JSON.stringify({ id: this.#nextId++, method: "cancel", callId, reason }));
  }

  #onMessage(text: string): void {
    const message = JSON.parse(text) as PeerReply & {
      readonly id: number | null;
      readonly progress?: { readonly index: number; readonly answer: Answer };
      readonly problem?: { readonly code: RequestRefusedError["code"]; readonly detail: string };
    };
    const call = message.id === null ? undefined : this.#calls.get(message.id);
    if (call === undefined || message.id === null) return;
    const { progress, problem } = message;
    if (progress !== undefined) {
      call.onProgress?.(progress.index, progress.answer);
      return;
    }
    this.#calls.delete(message.id);
    if (problem === undefined) call.settle(message);
    else call.fail(new RequestRefusedError(problem.code, problem.detail));
  }
}
