/**
 * The direct lane: read-only Commands, run at once and without a trace. Their Answers go to the session that asked and to
 * no other, so a lost session ends them.
 */
import type { WireCommand } from "../api/index.ts";
import { encodeResponse } from "../wire/codec.ts";
import type { RequestFrame } from "../wire/frames.ts";
import type { DeskParts } from "./desk-parts.ts";
import { errorAnswer } from "./error-answers.ts";
import { RequestOverError, type OpenRequest, type RequestOrigin } from "./open-request.ts";
import { OpenRequests } from "./open-requests.ts";
import { Pool } from "./pool.ts";
import { noNotes } from "./request-notes.ts";
import { runRequest } from "./run-request.ts";

export class DirectDesk {
  readonly #parts: DeskParts;
  readonly #requests: OpenRequests;
  readonly #pool: Pool<OpenRequest>;
  readonly #origins = new Map<OpenRequest, RequestOrigin>();

  /**
   * @param runningMax Requests that run at once; more wait.
   * @param waitingMax Requests that may wait; more are refused.
   */
  constructor(parts: DeskParts, runningMax: number, waitingMax: number) {
    this.#parts = parts;
    this.#requests = new OpenRequests(parts.resources, parts.log);
    this.#pool = new Pool(runningMax, waitingMax);
  }

  /** Requests that are not answered yet. */
  get openRequests(): number {
    return this.#requests.size;
  }

  /** Requests of that session that are not answered yet. */
  openOf(origin: RequestOrigin): number {
    let open = 0;
    for (const asker of this.#origins.values()) if (asker === origin) open++;
    return open;
  }

  onRequest(frame: RequestFrame, origin: RequestOrigin): void {
    if (this.#requests.stopping) return;
    const refusal = this.#refusalOf(frame);
    if (refusal !== undefined) {
      origin.send(encodeResponse(frame.seq, "direct", refusal));
      return;
    }
    const request = this.#requests.open(frame, () => {
      if (this.#pool.withdraw(request)) void run();
    });
    this.#origins.set(request, origin);
    if (frame.progress === true) request.watchedBy(origin);
    const run = () => this.#requests.track(this.#run(request, origin));
    if (request.over !== undefined) void run();
    else if (!this.#pool.submit(request, run)) {
      request.end(new RequestOverError("AGENT_BUSY", "Too many Requests wait on the direct lane"));
      void run();
    }
  }

  /** Cancels a Request of that session; false when it is not open (any more). */
  cancel(origin: RequestOrigin, seq: number, reason: RequestOverError): boolean {
    let found = false;
    for (const [request, asker] of this.#origins) {
      if (asker !== origin || request.seq !== seq) continue;
      request.end(reason);
      found = true;
    }
    return found;
  }

  /** The session is over: nobody hears its Answers. */
  sessionEnded(origin: RequestOrigin): void {
    const reason = new RequestOverError("SESSION_LOST", "The session that asked is over");
    for (const [request, asker] of this.#origins) if (asker === origin) request.end(reason);
  }

  stop(): Promise<void> {
    this.#pool.stop();
    return this.#requests.stop();
  }

  async #run(request: OpenRequest, origin: RequestOrigin): Promise<void> {
    const { resources, frameBytesMax, abortGraceMs } = this.#parts;
    const options = { resources, notes: noNotes, frameBytesMax, abortGraceMs };
    try {
      const answers = await runRequest(request, options);
      if (answers !== undefined) origin.send(encodeResponse(request.seq, "direct", answers));
    } finally {
      this.#requests.settle(request);
      this.#origins.delete(request);
    }
  }

  #refusalOf(frame: RequestFrame): readonly string[] | undefined {
    const { resources } = this.#parts;
    const changes = frame.commands.find(({ type }) => !resources.traitsOf(type).readOnly);
    if (changes === undefined) return undefined;
    const details = `${changes.type} changes something: send it on the durable lane.`;
    return frame.commands.map((command) => refused(command, details));
  }
}

function refused(command: WireCommand, details: string): string {
  return JSON.stringify(errorAnswer(command, "notSent", "NOT_READ_ONLY", details));
}
