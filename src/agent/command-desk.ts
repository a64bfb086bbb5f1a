/**
 * Takes up the Requests of callers: finds out which are new, has them run in order and at most once, and hands over the
 * Responses. It outlives sessions: work goes on while the agent reconnects, its Responses leave by the next session.
 */
import type { RequestFrame } from "../wire/frames.ts";
import type { DeskParts } from "./desk-parts.ts";
import { DirectDesk } from "./direct-desk.ts";
import { RequestOverError, type OpenRequest, type RequestOrigin } from "./open-request.ts";
import { OpenRequests } from "./open-requests.ts";
import { Pool } from "./pool.ts";
import { keyOf, repeatedId, saySame, type RequestKey } from "./request-key.ts";
import { givenRequest, journalNotes, noNotes } from "./request-notes.ts";
import { runRequest } from "./run-request.ts";
import { Sequencer } from "./sequencer.ts";

/** Requests that run at once on each lane; more wait. */
const runningMax = 64;
/** Requests that may wait for a free place on each lane; more are refused. */
const waitingMax = 10_000;
/** Cancels to remember of Requests that are not here. */
const cancelledKept = 1_000;
/** Requests without an acknowledgement; more are left alone, and given again by the manager. */
const unackedMax = 20_000;

export class CommandDesk {
  readonly #parts: DeskParts;
  readonly #direct: DirectDesk;
  readonly #requests: OpenRequests;
  readonly #sequencer: Sequencer;
  readonly #pool = new Pool<OpenRequest>(runningMax, waitingMax);
  /** Requests without their Answers, by `seq`. */
  readonly #open = new Map<number, OpenRequest>();
  /** Why Requests were cancelled that were not here: a Cancel may overtake its Request. */
  readonly #cancelledAhead = new Map<number, RequestOverError>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#requests = new OpenRequests(parts.resources, parts.log);
    this.#direct = new DirectDesk(parts, runningMax, waitingMax);
    this.#sequencer = new Sequencer(parts.journal.finishedSeqs());
  }

  /** What is kept in memory, for tests: none of it may grow over a long life. */
  get sizes(): Readonly<Record<string, number>> {
    return {
      open: this.#open.size + this.#requests.size + this.#direct.openRequests,
      waitingInSequence: this.#sequencer.waiting,
      finishedSeqs: this.#sequencer.remembered,
      cancelledAhead: this.#cancelledAhead.size,
    };
  }

  /** Whether Requests of the direct lane that came by that session are not answered yet. */
  awaits(origin: RequestOrigin): boolean {
    return this.#direct.openOf(origin) > 0;
  }

  /** Takes up a Request of the durable or the direct lane. */
  onRequest(frame: RequestFrame, origin: RequestOrigin): void {
    if (frame.lane === "direct") this.#direct.onRequest(frame, origin);
    else this.#onDurable(frame, origin);
  }

  /**
   * Cancels a Request; false when it is not open. A durable one that comes later is cancelled all the same.
   * @param origin the session by which the Cancel came.
   */
  cancel(lane: "durable" | "direct", seq: number, details: string, origin: RequestOrigin): boolean {
    const reason = new RequestOverError("CANCELLED", `The manager cancelled it (${details})`);
    if (lane === "direct") return this.#direct.cancel(origin, seq, reason);
    const request = this.#open.get(seq);
    if (request === undefined) this.#cancelAhead(seq, reason);
    request?.end(reason);
    return request !== undefined;
  }

  /** A session is over. */
  sessionEnded(origin: RequestOrigin): void {
    this.#direct.sessionEnded(origin);
  }

  /** Takes up nothing more, aborts what runs and waits for it, so long at most. */
  async stop(waitMs: number): Promise<void> {
    this.#sequencer.stop();
    this.#pool.stop();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([Promise.all([this.#requests.stop(), this.#direct.stop()]), limit]);
    clearTimeout(timer);
  }

  /** Takes up a durable Request, or sends again what became of it. */
  #onDurable(frame: RequestFrame, origin: RequestOrigin): void {
    const { journal, outbox, log, send } = this.#parts;
    const { seq } = frame;
    const key = { seq, ids: frame.commands.map(({ id }) => id) };
    if (this.#requests.stopping) return;
    const open = this.#open.get(seq);
    const response = outbox.find(key);
    if (open !== undefined) {
      if (this.#isSame(givenRequest(open.frame), frame)) this.#sequencer.renew(seq, frame);
      if (frame.progress === true) open.watchedBy(origin);
    } else if (response !== undefined) {
      this.#isSame(response.request, frame);
      send(response.text);
    } else if (journal.isAcked(key)) {
      log.debug({ seq }, "Request came again after its Answers were acknowledged");
    } else if (outbox.size >= unackedMax) {
      log.error({ seq, unackedMax }, "left a Request alone: too many Answers are unacknowledged");
    } else {
      this.#takeUp(frame, origin);
    }
  }

  /** What came first counts: a Request that comes again with other contents is not run, and the log says so. */
  #isSame(known: RequestKey, frame: RequestFrame): boolean {
    const came = givenRequest(frame);
    const same = keyOf(known) === keyOf(came) && came.ids.every((id) => saySame(known, came, id));
    const { seq, ids } = came;
    if (!same)
      this.#parts.log.error({ seq, ids }, "a Request came again with other contents: not run");
    return same;
  }

  #takeUp(frame: RequestFrame, origin: RequestOrigin): void {
    const request = this.#requests.open(frame, (over) => {
      this.#onOverEarly(over);
    });
    this.#open.set(request.seq, request);
    if (frame.progress === true) request.watchedBy(origin);
    const cancelled = this.#cancelledAhead.get(frame.seq) ?? this.#refusalOf(frame);
    if (cancelled !== undefined) request.end(cancelled);
    if (request.over === undefined) this.#queue(request);
    if (request.over === undefined) return;
    if (frame.inSequence === true) this.#sequencer.passOver(frame.seq, frame);
    void this.#run(request);
  }

  /** Ids are what keeps a Command from being run twice: a Request that repeats one is not run at all. */
  #refusalOf(frame: RequestFrame): RequestOverError | undefined {
    const repeated = repeatedId(frame.commands.map(({ id }) => id));
    if (repeated === undefined || this.#onlyReads(frame)) return undefined;
    const message = `Two Commands of the Request have the id ${repeated}`;
    return new RequestOverError("DUPLICATE_COMMAND_ID", message);
  }

  #onlyReads({ commands }: RequestFrame): boolean {
    return commands.every(({ type }) => this.#parts.resources.traitsOf(type).readOnly);
  }

  /** Gives it its place in a queue, or ends it when there is none. */
  #queue(request: OpenRequest): void {
    const { inSequence, seq, after, alsoAfter } = request.frame;
    const run = () => this.#run(request);
    if (inSequence !== true && this.#pool.submit(request, run)) return;
    if (inSequence === true && this.#sequencer.waiting < waitingMax) {
      this.#sequencer.submit({ seq, after, alsoAfter, run });
      return;
    }
    request.end(new RequestOverError("AGENT_BUSY", "Too many Requests waited in the agent"));
  }

  /** One that still waits for its turn is answered at once; one that runs hears it by its signal. */
  #onOverEarly(request: OpenRequest): void {
    const waited =
      request.frame.inSequence === true
        ? this.#sequencer.withdraw(request.seq)
        : this.#pool.withdraw(request);
    if (waited) void this.#run(request);
  }

  #cancelAhead(seq: number, reason: RequestOverError): void {
    this.#cancelledAhead.set(seq, reason);
    const [oldest] = this.#cancelledAhead.keys();
    if (this.#cancelledAhead.size > cancelledKept && oldest !== undefined) {
      this.#cancelledAhead.delete(oldest);
    }
  }

  #run(request: OpenRequest): Promise<void> {
    return this.#requests.track(this.#runDurable(request));
  }

  async #runDurable(request: OpenRequest): Promise<void> {
    const { resources, journal, log, frameBytesMax, abortGraceMs, outbox, send } = this.#parts;
    const onlyReads = this.#onlyReads(request.frame);
    const key = onlyReads ? request : givenRequest(request.frame);
    const notes = onlyReads ? noNotes : journalNotes(journal, key, log);
    try {
      const options = { resources, notes, frameBytesMax, abortGraceMs };
      const answers = await runRequest(request, options);
      if (answers === undefined) return;
      send(outbox.add(key, answers, onlyReads));
    } finally {
      this.#requests.settle(request);
      this.#open.delete(request.seq);
    }
  }
}
