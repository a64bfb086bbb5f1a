/**
 * The durable lane: a Request goes through its agent's lifecycle, which numbers it, remembers it and settles it once.
 * This side only carries: to the lifecycle, to the socket, back to the caller.
 */
import type { Answer, WireCommand } from "../api/index.ts";
import { SecretUnreadableError } from "../secrets/errors.ts";
import type { Log } from "../telemetry/log.ts";
import type {
  AdmitResult,
  DurableRequest,
  GatewayRef,
  RequestView,
} from "../workflows/agent-messages.ts";
import { RequestAdmitter, type AdmitPort, type Asking } from "./admit-request.ts";
import type { Admission, CallerRequest } from "./command-lanes.ts";
import { fits } from "./direct-lane.ts";
import { DurableWaiters, Waiter } from "./durable-waiters.ts";
import { noNewsAnswers } from "./error-answers.ts";
import { RequestRefusedError } from "./errors.ts";
import type { PassingObserver } from "./hooks/gateway-hooks.ts";
import { ProgressMarks } from "./progress-marks.ts";
import { RecordWatch } from "./record-watch.ts";
import { untilSettled } from "./until-settled.ts";
import { sendCancel } from "./session-requests.ts";
import type { SecretFields } from "./secret-fields.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** How long after the wait the lifecycle may take to say what became of a Request. */
const graceMs = 3_000;
/** How long a caller that does not wait for Answers waits for the admission. */
const submitMs = 10_000;
const queryMs = 2_000;

/** What the lane asks of its gateway. */
export interface DurablePort extends AdmitPort {
  request(agentId: string, requestId: string, withinMs: number): Promise<RequestView | null>;
}

export class DurableLane {
  readonly #self: { ref(): GatewayRef };
  readonly #port: DurablePort;
  readonly #log: Log;
  readonly #passing: PassingObserver | undefined;
  readonly #secrets: SecretFields;
  readonly #admitter: RequestAdmitter;
  readonly #waiters = new DurableWaiters();
  readonly #records: RecordWatch;
  requests = 0;

  constructor(parts: {
    sessions: Sessions;
    self: { ref(): GatewayRef };
    port: DurablePort;
    log: Log;
    passing: PassingObserver | undefined;
    secrets: SecretFields;
  }) {
    this.#self = parts.self;
    this.#port = parts.port;
    this.#log = parts.log;
    this.#passing = parts.passing;
    this.#secrets = parts.secrets;
    const { sessions, port, log } = parts;
    this.#admitter = new RequestAdmitter({
      ...parts,
      hand: (session, request) => this.hand(session, request),
    });
    this.#records = new RecordWatch(
      {
        request: (agentId, requestId, withinMs) => port.request(agentId, requestId, withinMs),
        isHeldHere: (agentId) => sessions.find(agentId)?.takesCommands === true,
      },
      log,
    );
  }

  /** Requests that callers wait for here. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** One Answer for each Command, in order, within the wait and a small grace; or a RequestRefusedError. */
  async send(agentId: string, request: CallerRequest): Promise<readonly Answer[]> {
    this.requests++;
    const asking = await this.#admitter.begin(agentId, request);
    return await new Promise((resolve, reject) => {
      const { requestId, commands, onProgress } = request;
      const settled = new AbortController();
      const settle = (answers: readonly Answer[]): void => {
        settled.abort();
        resolve(answers);
      };
      const giveUp = (why: string): void => {
        settle(noNewsAnswers(request, why));
      };
      const waitOverMs = asking.startedMs + asking.waitMs;
      const parts = { agentId, requestId, commands, waitOverMs, settle, giveUp, onProgress };
      const waiter = new Waiter(parts);
      const isFirst = asking.firstAgoMs === undefined && request.waitSeconds !== undefined;
      if (isFirst) waiter.finalUntilMs = waitOverMs;
      this.#waiters.add(waiter);
      request.onOpen?.({
        leave: () => {
          giveUp("Its caller left.");
        },
      });
      this.#carry(waiter, asking, settled.signal)
        .catch(reject)
        .finally(() => {
          this.#waiters.remove(waiter);
        });
    });
  }

  /**
   * Admits a Request that nobody waits for here.
   * @throws RequestRefusedError; MANAGER_UNAVAILABLE also when it may have been admitted.
   */
  async submit(agentId: string, request: CallerRequest): Promise<Admission> {
    this.requests++;
    const asking = await this.#admitter.begin(agentId, request);
    const progress = request.commands.length > 1;
    const admitted = this.#admitter.admit(asking, { ...(progress && { progress }) });
    // What is admitted late is handed over all the same.
    const result = await before(asking.startedMs + submitMs, admitted);
    if (result === undefined) {
      throw new RequestRefusedError(
        "MANAGER_UNAVAILABLE",
        "The agent's lifecycle did not answer in time. The Request may have been recorded: ask for it by its request id, " +
          "or send it again with the same one.",
      );
    }
    return admissionOf(result);
  }

  /** The record of a Request once it is settled, or what it says after `waitMs`. */
  async awaitSettled(
    agentId: string,
    view: RequestView,
    waitMs: number,
    onOpen?: CallerRequest["onOpen"],
  ): Promise<RequestView> {
    if (this.#admitter.closed) return view;
    const around = { waiters: this.#waiters, records: this.#records, port: this.#port };
    return await untilSettled(around, { agentId, view, waitMs, onOpen });
  }

  /** The Answers to a Request that the agent gave and the lifecycle has, straight to whoever waits for them here. */
  onAnswered(agentId: string, requestId: string | undefined, answers: readonly Answer[]): void {
    const waiters =
      requestId === undefined
        ? this.#waiters.ofCommand(agentId, answers[0]?.commandId ?? "")
        : this.#waiters.ofRequest(requestId);
    for (const waiter of waiters) {
      // Otherwise the lifecycle may have settled it in another way: its word is asked for.
      const isFinal = performance.now() < waiter.finalUntilMs && fits(waiter.commands, answers);
      if (isFinal) waiter.settle(answers);
      else void this.#settleByRecord(waiter);
    }
  }

  /** Answers that the lifecycle settled elsewhere: by its deadline, a cancel, or another gateway. */
  onReply(requestId: string, answers: readonly Answer[]): void {
    for (const waiter of this.#waiters.ofRequest(requestId)) waiter.settle(answers);
  }

  /** One Answer of a Request that goes on. */
  onProgress(requestId: string, index: number, answer: Answer): void {
    for (const waiter of this.#waiters.ofRequest(requestId)) waiter.onProgress(index, answer);
  }

  /** The gateway stops: callers are told how to learn the rest. */
  close(): void {
    this.#admitter.close();
    for (const waiter of this.#waiters.all()) waiter.giveUp("This gateway stops.");
  }

  /** Writes a Request to a session's socket. False: certainly not written. */
  hand(session: Session, request: DurableRequest): boolean {
    const { requestId, seq, commands, onError, inSequence, after, alsoAfter } = request;
    const { waitMs, progress, fresh } = request;
    const opened = this.#open(session.agentId, request);
    if (opened === undefined) return false;
    const sent = session.socket.send({
      v: 1,
      kind: "request",
      lane: "durable",
      seq,
      commands: opened,
      onError,
      inSequence,
      waitMs,
      ...(after !== undefined && { after }),
      ...(alsoAfter !== undefined && { alsoAfter }),
      ...(fresh === true && { fresh }),
      ...(isBeforeJournal(session, request) && { handedBefore: true }),
      ...(progress === true && { progress }),
    });
    if (!sent) return false;
    session.noteHanded(seq, {
      requestId,
      commands: commands.map(({ id }) => ({ id })),
      progress: progress === true ? new ProgressMarks() : undefined,
    });
    const cancelled = session.takeCancelled(seq) ?? request.cancelled;
    if (cancelled !== undefined) sendCancel(session, seq, cancelled);
    this.#passing?.onCommands(session, "durable", seq, commands);
    return true;
  }

  /** As the agent is to get them; undefined when a secret can't be opened here: the lifecycle asks again until the wait is over. */
  #open(agentId: string, request: DurableRequest): readonly WireCommand[] | undefined {
    const { requestId, seq, commands } = request;
    try {
      return this.#secrets.open(agentId, commands);
    } catch (error) {
      if (!(error instanceof SecretUnreadableError)) throw error;
      const about = { agentId, requestId, seq, keyId: error.keyId, code: error.code };
      this.#log.error(about, `A secret of a Request can't be opened. ${error.message}`);
      return undefined;
    }
  }

  /** Stays with a waiter until it is settled. */
  async #carry(waiter: Waiter, asking: Asking, settled: AbortSignal): Promise<void> {
    const { gatewayId } = this.#self.ref();
    const result = await this.#admitter.admit(asking, {
      replyTo: { type: "gateway", gatewayId },
      ...(waiter.wantsProgress && asking.request.commands.length > 1 && { progress: true }),
    });
    if (result !== undefined) {
      const admission = admissionOf(result);
      asking.request.onAdmitted?.(admission);
      // Counted from before the asking: the lifecycle's own deadline is never earlier.
      waiter.waitOverMs = asking.startedMs + admission.waitMs;
      waiter.finalUntilMs = waiter.waitOverMs;
      if (admission.answers !== undefined) waiter.settle(admission.answers);
    }
    const unwatch = this.#watchProgress(waiter);
    await this.#outwait(waiter, settled);
    unwatch?.();
    if (settled.aborted) return;
    // The first word counts: after the record's Answers these change nothing.
    await this.#settleByRecord(waiter);
    waiter.giveUp("The manager could not say in time what became of it.");
  }

  /** The agent's frames tell the gateway that holds it; the others look at the record. */
  #watchProgress(waiter: Waiter): (() => void) | undefined {
    if (!waiter.wantsProgress || waiter.commands.length === 1) return undefined;
    const places = new Map(waiter.commands.map(({ id }, index) => [id, index]));
    return this.#records.watch(waiter, waiter.waitOverMs, ({ progress = [], answers }) => {
      for (const answer of progress) {
        const index = places.get(answer.commandId);
        if (index !== undefined) waiter.onProgress(index, answer);
      }
      if (answers !== undefined) waiter.settle(answers);
    });
  }

  /** Until the Answers are here, or the wait and the grace are over. */
  async #outwait(waiter: Waiter, settled: AbortSignal): Promise<void> {
    if (settled.aborted) return;
    const leftMs = Math.max(0, waiter.waitOverMs + graceMs - performance.now());
    await new Promise<void>((resolve) => {
      // Nearly every one is cut short, and a `sleep` that is aborted makes an error with its stack.
      const timer = setTimeout(resolve, leftMs);
      const stop = (): void => {
        clearTimeout(timer);
        resolve();
      };
      settled.addEventListener("abort", stop, { once: true });
    });
  }

  async #settleByRecord(waiter: Waiter): Promise<void> {
    try {
      const view = await this.#port.request(waiter.agentId, waiter.requestId, queryMs);
      if (view?.answers !== undefined) waiter.settle(view.answers);
    } catch (error) {
      this.#log.warn(
        { agentId: waiter.agentId, requestId: waiter.requestId, err: error },
        "the record of a Request could not be read",
      );
    }
  }
}

/** Whether another owner of a direct agent may have had the Request, whose journal the present one does not have. */
function isBeforeJournal(
  { journalSinceEpoch }: Session,
  { fresh, firstHandedEpoch = -1 }: DurableRequest,
): boolean {
  if (journalSinceEpoch === undefined || fresh === true) return false;
  return firstHandedEpoch < journalSinceEpoch;
}

function admissionOf(result: AdmitResult): Admission {
  if (result.state === "settled") {
    const { seq, state, answers } = result;
    return { seq, state, waitMs: 0, answers };
  }
  const { seq, waitMs } = result.deliver === "caller" ? result.request : result;
  return { seq, state: "pending", waitMs };
}

/** What a promise gives until then; undefined when it takes longer, and its failure is nobody's any more. */
async function before<T>(atMs: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(
      () => {
        resolve(undefined);
      },
      Math.max(0, atMs - performance.now()),
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
