/**
 * Takes up the Requests of callers: finds out which are new, has them run in order and at most once, and hands over the
 * Responses. It outlives sessions: work goes on while the agent reconnects, its Responses leave by the next session.
 */
import type { WireCommand } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import { encodeResponse } from "../wire/codec.ts";
import type { RequestFrame } from "../wire/frames.ts";
import { errorAnswer } from "./error-answers.ts";
import { keyOf, type Journal } from "./journal.ts";
import { OpenRequest, RequestOverError } from "./open-request.ts";
import type { Outbox } from "./outbox.ts";
import { Pool } from "./pool.ts";
import type { ResourceSet } from "./resource-set.ts";
import { noProgress, runRequest, type Progress } from "./run-request.ts";
import { Sequencer } from "./sequencer.ts";

/** Requests that run at once on each lane; more wait. */
const runningMax = 64;
/** Requests that may wait for a free place on each lane; more are refused. */
const waitingMax = 10_000;

/** What the desk needs. */
export interface DeskParts {
  readonly resources: ResourceSet;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly log: Log;
  readonly frameBytesMax: number;
  /** Writes a frame's text to the current session, when there is one. */
  readonly send: (text: string) => void;
  readonly abortGraceMs?: number | undefined;
}

export class CommandDesk {
  readonly #parts: DeskParts;
  readonly #sequencer: Sequencer;
  readonly #durable = new Pool<OpenRequest>(runningMax, waitingMax);
  readonly #direct = new Pool<OpenRequest>(runningMax, waitingMax);
  /** Durable Requests without their Answers, by key. */
  readonly #open = new Map<string, OpenRequest>();
  /** Every Request that is not answered, of both lanes. */
  readonly #unsettled = new Set<OpenRequest>();
  readonly #running = new Set<Promise<void>>();
  #stopping = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#sequencer = new Sequencer(parts.journal.finishedSeqs());
  }

  /** Durable Requests that are not answered yet. */
  get openRequests(): number {
    return this.#open.size;
  }

  /** Takes up a durable Request, or sends again what became of it. */
  onDurable(frame: RequestFrame): void {
    const { journal, outbox, log, send } = this.#parts;
    const key = { seq: frame.seq, ids: frame.commands.map(({ id }) => id) };
    if (this.#stopping || this.#open.has(keyOf(key))) return;
    const response = outbox.find(key);
    if (response !== undefined) {
      send(response);
      return;
    }
    if (journal.isAcked(key)) {
      log.debug({ seq: frame.seq }, "Request came again after its Answers were acknowledged");
      return;
    }
    const request = this.#openRequest(frame, () => {
      this.#onOverEarly(request);
    });
    this.#open.set(keyOf(key), request);
    const run = () => this.#track(this.#runDurable(request));
    if (frame.inSequence === true && this.#sequencer.waiting < waitingMax) {
      this.#sequencer.submit({ seq: frame.seq, after: frame.after, run });
    } else if (frame.inSequence === true || !this.#durable.submit(request, run)) {
      request.end(new RequestOverError("AGENT_BUSY", "Too many Requests waited in the agent"));
      void run();
    }
  }

  /** Runs a Request of the direct lane: at once, without a trace, read-only Commands only. */
  onDirect(frame: RequestFrame): void {
    if (this.#stopping) return;
    const refusal = this.#refuseDirect(frame);
    if (refusal !== undefined) {
      this.#parts.send(encodeResponse(frame.seq, "direct", refusal));
      return;
    }
    const request = this.#openRequest(frame, () => {
      if (this.#direct.withdraw(request) && !this.#stopping)
        void this.#track(this.#runDirect(request));
    });
    if (!this.#direct.submit(request, () => this.#track(this.#runDirect(request)))) {
      this.#settle(request);
      const busy = frame.commands.map((command) =>
        asText(command, "AGENT_BUSY", "Too many Requests wait on the direct lane. Send fewer."),
      );
      this.#parts.send(encodeResponse(frame.seq, "direct", busy));
    }
  }

  /** Cancels a durable Request; false when it is not open (any more). */
  cancel(seq: number, details: string): boolean {
    const requests = [...this.#open.values()].filter((request) => request.seq === seq);
    for (const request of requests) {
      request.end(new RequestOverError("CANCELLED", `The manager cancelled it (${details})`));
    }
    return requests.length > 0;
  }

  /** Takes up nothing more, aborts what runs and waits for it, so long at most. */
  async stop(waitMs: number): Promise<void> {
    this.#stopping = true;
    this.#sequencer.stop();
    this.#durable.stop();
    this.#direct.stop();
    for (const request of this.#unsettled) {
      request.settled();
      request.end(new RequestOverError("AGENT_STOPS", "The agent stops"));
    }
    if (this.#running.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([Promise.all(this.#running), limit]);
    clearTimeout(timer);
  }

  #openRequest(frame: RequestFrame, onOver: () => void): OpenRequest {
    const { resources } = this.#parts;
    const ownWaitMs = () =>
      1_000 * Math.max(...frame.commands.map(({ type }) => resources.traitsOf(type).waitSeconds));
    const request = new OpenRequest(frame, frame.waitMs ?? ownWaitMs(), onOver);
    this.#unsettled.add(request);
    return request;
  }

  #settle(request: OpenRequest): void {
    request.settled();
    this.#unsettled.delete(request);
  }

  /** One that still waits for its turn is answered at once; one that runs hears it by its signal. */
  #onOverEarly(request: OpenRequest): void {
    if (this.#stopping) return;
    const waited = request.frame.inSequence
      ? this.#sequencer.withdraw(request.seq)
      : this.#durable.withdraw(request);
    if (waited) void this.#track(this.#runDurable(request));
  }

  async #runDurable(request: OpenRequest): Promise<void> {
    const { resources, frameBytesMax, abortGraceMs, outbox, send } = this.#parts;
    const progress = this.#progressOf(request);
    const answers = await runRequest(request, { resources, progress, frameBytesMax, abortGraceMs });
    this.#settle(request);
    this.#open.delete(keyOf(request));
    if (answers !== undefined) send(outbox.add(request, answers));
  }

  async #runDirect(request: OpenRequest): Promise<void> {
    const { resources, frameBytesMax, abortGraceMs, send } = this.#parts;
    const options = { resources, progress: noProgress, frameBytesMax, abortGraceMs };
    const answers = await runRequest(request, options);
    this.#settle(request);
    if (answers !== undefined) send(encodeResponse(request.seq, "direct", answers));
  }

  /** A Request that only reads leaves no trace: after a crash it is simply run again. */
  #progressOf(request: OpenRequest): Progress {
    const { journal, resources, log } = this.#parts;
    const { commands } = request.frame;
    if (commands.every(({ type }) => resources.traitsOf(type).readOnly)) return noProgress;
    return {
      recall: (command) => journal.recall(request, command.id),
      started: (command) => journal.started(request, command.id),
      answered: async (command, text) => {
        try {
          await journal.answered(request, command.id, text);
        } catch (error) {
          // It ran: the Answer goes out all the same, from memory.
          log.error({ err: error, commandId: command.id }, "could not journal an Answer");
        }
      },
    };
  }

  #refuseDirect(frame: RequestFrame): readonly string[] | undefined {
    const { resources } = this.#parts;
    const changes = frame.commands.find(({ type }) => !resources.traitsOf(type).readOnly);
    if (changes === undefined) return undefined;
    const details = `${changes.type} changes something: send it on the durable lane.`;
    return frame.commands.map((command) => asText(command, "NOT_READ_ONLY", details));
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((error: unknown) => {
        this.#parts.log.error({ err: error }, "a Request broke the agent");
      })
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }
}

function asText(command: WireCommand, errorCode: string, details: string): string {
  return JSON.stringify(errorAnswer(command, "notSent", errorCode, details));
}
