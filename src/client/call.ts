import type { Answer } from "../api/index.ts";
import { AgentManagerError, type ManagerErrorCode } from "./errors.ts";
import type { SocketReply } from "./socket-messages.ts";

/** An Answer of a batch that is there before the others. */
export interface EarlyAnswer {
  /** Place of its Command in the batch, from 0. */
  readonly index: number;
  readonly answer: Answer;
}

/** What is asked of a gateway. */
export interface CallRequest {
  /** The message behind its id, as JSON: it is the same each time it is asked. */
  readonly body: string;
  /** Asking twice is the same as asking once: asked again after a lost connection. */
  readonly repeatable: boolean;
  /** Until when a gateway is looked for, on this process's monotonic clock. */
  readonly waitOverMs: number;
  /** Of the Request that it is about; of the durable lane only. */
  readonly requestId?: string;
  /** It carries no Commands: the Request that it is about was sent before. */
  readonly asksOnly?: true;
  readonly onProgress?: (early: EarlyAnswer) => void;
}

/** A call that waits for its reply, over one connection or several. */
export class Call {
  readonly id: number;
  readonly request: CallRequest;
  readonly reply: Promise<SocketReply>;
  repeatable: boolean;
  /** The connection that it was written to last is the one that is open now. */
  onWire = false;
  /** Connections that it was written to: each may have brought it to a gateway. */
  timesSent = 0;
  #settle!: (reply: SocketReply) => void;
  #fail!: (error: AgentManagerError) => void;

  constructor(id: number, request: CallRequest) {
    this.id = id;
    this.request = request;
    this.repeatable = request.repeatable;
    this.reply = new Promise<SocketReply>((settle, fail) => {
      this.#settle = settle;
      this.#fail = fail;
    });
  }

  get text(): string {
    return `{"id":${this.id},${this.request.body}`;
  }

  settle(reply: SocketReply): void {
    this.#settle(reply);
  }

  fail(error: AgentManagerError): void {
    this.#fail(error);
  }

  /** Ends it without a reply; whether its Commands can have taken effect follows from whether it was sent. */
  abandon(code: ManagerErrorCode, why: string, cause?: unknown): void {
    const { requestId, asksOnly } = this.request;
    const outcome = this.timesSent > 0 || asksOnly === true ? "unknown" : "notSent";
    const options = { cause, requestId };
    this.fail(new AgentManagerError(code, outcome, `${why} ${fate(outcome, requestId)}`, options));
  }
}

/** For people: what is known of a call that got no reply. */
function fate(outcome: "notSent" | "unknown", requestId: string | undefined): string {
  if (outcome === "notSent") return "It was not sent.";
  return requestId === undefined
    ? "It may have been carried out."
    : `It may have been carried out: ask what became of request ${requestId}.`;
}
