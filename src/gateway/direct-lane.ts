/**
 * The direct lane: read-only Commands straight to the socket, past Temporal. Hot path: one promise and one map entry
 * for each Request, deadlines found by a sweep, no log line.
 */
import { traitsOf, type Answer, type CommandTraits, type WireCommand } from "../api/index.ts";
import type { ProgressFrame, ResponseFrame } from "../wire/frames.ts";
import type { Arrivals } from "./arrivals.ts";
import type { CallerRequest } from "./command-lanes.ts";
import { errorAnswers } from "./error-answers.ts";
import { OpenDirectCall } from "./direct-call.ts";
import { RequestRefusedError } from "./errors.ts";
import type { PassingObserver } from "./hooks/gateway-hooks.ts";
import type { DirectCall, Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** Requests under way to one agent. */
const inFlightMax = 4_096;

export class DirectLane {
  readonly #sessions: Sessions;
  readonly #queueBytesMax: number;
  readonly #arrivals: Pick<Arrivals, "until">;
  /** Why an agent that is not here can't be reached from here. */
  readonly #whyNotHere: (agentId: string) => Promise<RequestRefusedError>;
  readonly #passing: PassingObserver | undefined;
  readonly #open = new Set<DirectCall>();
  requests = 0;

  constructor(parts: {
    sessions: Sessions;
    queueBytesMax: number;
    arrivals: Pick<Arrivals, "until">;
    whyNotHere: (agentId: string) => Promise<RequestRefusedError>;
    passing: PassingObserver | undefined;
  }) {
    this.#sessions = parts.sessions;
    this.#queueBytesMax = parts.queueBytesMax;
    this.#arrivals = parts.arrivals;
    this.#whyNotHere = parts.whyNotHere;
    this.#passing = parts.passing;
  }

  /** One Answer for each Command; refused with a RequestRefusedError before anything is sent. */
  send(agentId: string, request: CallerRequest): Promise<readonly Answer[]> {
    const session = this.#sessions.find(agentId);
    if (session?.takesCommands !== true) return this.#sendOnArrival(agentId, request);
    const declared = session.host.commandTypes;
    const changing = request.commands.find((command) => !traitsOf(command.type, declared).readOnly);
    if (changing !== undefined) {
      return Promise.reject(
        new RequestRefusedError(
          "NOT_READ_ONLY",
          `${changing.type} is not declared read-only: send it on the durable lane.`,
        ),
      );
    }
    if (session.direct.size >= inFlightMax || session.socket.queuedBytes > this.#queueBytesMax) {
      return Promise.reject(
        new RequestRefusedError(
          "AGENT_BUSY",
          `Agent ${agentId} has ${session.direct.size} Requests of the direct lane to answer: try again later.`,
        ),
      );
    }
    return this.#write(session, request, waitMsOf(request, declared));
  }

  /** Sends one Command to one session, whatever it is; gives its Answer. */
  async ask(session: Session, command: WireCommand, waitMs: number): Promise<Answer | undefined> {
    const answers = await this.#write(session, { commands: [command], onError: "stop" }, waitMs);
    return answers[0];
  }

  #write(
    session: Session,
    request: Omit<CallerRequest, "requestId">,
    waitMs: number,
  ): Promise<readonly Answer[]> {
    const seq = session.nextDirectSeq++;
    const { commands, onError, onProgress, onOpen } = request;
    this.requests++;
    return new Promise((answered) => {
      const deadlineMs = performance.now() + waitMs;
      const call = new OpenDirectCall({ session, seq, commands, deadlineMs, answered, onProgress });
      session.direct.set(seq, call);
      this.#open.add(call);
      const sent = session.socket.send({
        v: 1,
        kind: "request",
        lane: "direct",
        seq,
        commands,
        onError,
        waitMs,
        ...(onProgress !== undefined && commands.length > 1 && { progress: true }),
      });
      if (sent) {
        onOpen?.(call);
        this.#passing?.onCommands(session, "direct", seq, commands);
        return;
      }
      const details = "The agent's socket was lost before the Request was written.";
      this.#settle(call, errorAnswers(commands, "notSent", "NOT_SENT", details));
    });
  }

  /** One Answer of a Request that goes on. Whatever fits no open Request is no harm. */
  onProgress(session: Session, { seq, index, answer }: ProgressFrame): void {
    session.direct.get(seq)?.onProgress(index, answer);
  }

  /** False when the Answers do not fit the Request. A Request that is not waited for (any more) is no mistake. */
  onResponse(session: Session, frame: ResponseFrame): boolean {
    const call = session.direct.get(frame.seq);
    if (call === undefined) return true;
    if (!fits(call.commands, frame.answers)) return false;
    this.#settle(call, frame.answers);
    this.#passing?.onAnswers(session, "direct", frame.seq, frame.answers);
    return true;
  }

  /** The socket is lost: whether its Commands were run is not known. */
  onClosed(session: Session): void {
    for (const call of session.direct.values()) {
      const details = "The agent's socket was lost while the Request was under way.";
      this.#settle(call, errorAnswers(call.commands, "unknown", "AGENT_LOST", details));
    }
  }

  /** Answers the Requests whose wait is over. */
  sweep(): void {
    const nowMs = performance.now();
    for (const call of this.#open) {
      if (call.deadlineMs > nowMs) continue;
      const details = "The agent did not answer within the wait.";
      const answers = errorAnswers(call.commands, "unknown", "WAIT_OVER", details);
      this.#settle(call, answers);
    }
  }

  #settle(call: DirectCall, answers: readonly Answer[]): void {
    call.session.direct.delete(call.seq);
    this.#open.delete(call);
    call.answered(answers);
  }

  /** The agent has no session here that takes Commands: it may be about to. What that takes is part of the wait. */
  async #sendOnArrival(agentId: string, request: CallerRequest): Promise<readonly Answer[]> {
    const startedMs = performance.now();
    const { waitSeconds } = request;
    const waitMs = waitMsOf(request, undefined);
    if (!(await this.#arrivals.until(agentId, waitMs))) throw await this.#whyNotHere(agentId);
    if (waitSeconds === undefined) return await this.send(agentId, request);
    const leftMs = Math.max(1, waitMs - (performance.now() - startedMs));
    return await this.send(agentId, { ...request, waitSeconds: leftMs / 1_000 });
  }
}

/** How long the caller of a Request waits: what it said, else the longest of its Commands' own waits. */
export function waitMsOf(
  request: CallerRequest,
  declared: Readonly<Record<string, CommandTraits>> | undefined,
): number {
  if (request.waitSeconds !== undefined) return request.waitSeconds * 1_000;
  let seconds = 0;
  for (const command of request.commands) {
    seconds = Math.max(seconds, traitsOf(command.type, declared).waitSeconds);
  }
  return seconds * 1_000;
}

/** Exactly one Answer for each Command, in its order. */
export function fits(
  commands: readonly { readonly id: string }[],
  answers: readonly Answer[],
): boolean {
  if (commands.length !== answers.length) return false;
  for (let i = 0; i < commands.length; i++) {
    if (commands[i]?.id !== answers[i]?.commandId) return false;
  }
  return true;
}
