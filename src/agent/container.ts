/**
 * One agent: keeps a session open for as long as it runs, whatever happens to gateways, and works on Requests beside
 * it. `run.ts` gives it a process and a home, `run-sim.ts` runs many.
 */
import type { MoveCommand, ShutdownReason, StartupAnswer, WireCommand } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { Credentials, RequestFrame } from "../wire/frames.ts";
import { closeCodes } from "../wire/limits.ts";
import { halfJitterMs, reconnectBackoff } from "./backoff.ts";
import { CommandDesk } from "./command-desk.ts";
import { DialPlan } from "./dial-plan.ts";
import type { Journal } from "./journal.ts";
import type { Dial } from "./link.ts";
import { fitStatuses } from "./fit-statuses.ts";
import { onSessionCommand } from "./on-session-request.ts";
import { Outbox } from "./outbox.ts";
import { PingLoop } from "./ping-loop.ts";
import type { ManagerPort } from "./manager-port.ts";
import type { ResourceSet } from "./resource-set.ts";
import { dialUrl, mayReplace } from "./gateway-urls.ts";
import { SessionChain } from "./session-chain.ts";
import { readMove } from "./session-commands.ts";
import type { SessionEnd } from "./session-end.ts";
import { Session, type SessionListener } from "./session.ts";
import { orAborted, rest } from "./time-limit.ts";

/** When the manager does not say how often to ping. */
const pingIntervalMsDefault = 60_000;
/** At the end: for running Commands, then for the Answer to the goodbye. */
const stopWorkLimitMs = 5_000;
const goodbyeLimitMs = 2_000;

/** What an agent is made of. */
export interface ContainerParts {
  readonly agentId: string;
  readonly gateways: readonly string[];
  readonly credentials: Credentials;
  /** Names the software, for operators. */
  readonly software: string;
  readonly resources: ResourceSet;
  /** The way of the resources to the manager. */
  readonly manager: ManagerPort;
  /** Loaded. */
  readonly journal: Journal;
  readonly dial: Dial;
  /** It dials the gateways that it was given and no others, whatever the manager says: a direct agent. */
  readonly stays?: boolean | undefined;
  readonly frameBytesMax: number;
  readonly log: Log;
  /** Why the agent says goodbye when it stops. */
  readonly shutdownReason?: ShutdownReason | undefined;
  /** Called with each session that is open. */
  readonly onOpen?:
    ((session: { readonly gateway: string; readonly epoch: number }) => void) | undefined;
  /** Called with the end of each session, also of one that never opened. */
  readonly onEnd?: ((end: SessionEnd) => void) | undefined;
  readonly abortGraceMs?: number | undefined;
}

export class Container {
  readonly #parts: ContainerParts;
  readonly #plan: DialPlan;
  readonly #outbox: Outbox;
  readonly #desk: CommandDesk;
  readonly #sessions: SessionChain;
  #pings: PingLoop | undefined;
  #failedPreparations = 0;
  #workStopped: Promise<void> | undefined;
  /** Why the manager did not admit the agent, as it was logged. */
  #refusedFor: string | undefined;

  constructor(parts: ContainerParts) {
    const { resources, journal, log, frameBytesMax, abortGraceMs } = parts;
    this.#parts = parts;
    this.#plan = new DialPlan(parts.gateways);
    this.#outbox = new Outbox(journal);
    this.#desk = new CommandDesk({
      resources,
      journal,
      outbox: this.#outbox,
      log,
      frameBytesMax,
      abortGraceMs,
      send: (text) => this.#sessions.current?.send(text),
    });
    this.#sessions = new SessionChain({
      log,
      open: (url, startups) => this.#openSession(url, startups),
      describe: async () => named(await resources.describe()),
      isNeeded: (session) => this.#desk.awaits(session) || parts.manager.awaits(session),
    });
  }

  /** Runs until the signal aborts, then says goodbye. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => void this.#leave();
    signal.addEventListener("abort", onAbort, { once: true });
    while (!signal.aborted) {
      const startups = await this.#prepare(signal);
      const { url, restMs } = this.#plan.next(performance.now());
      await rest(restMs, signal);
      if (isOver(signal) || startups === undefined) continue;
      const end = await this.#runSession(url, startups);
      this.#plan.ended(end.outcome, performance.now());
      this.#learn(end.gateways);
      if (!isOver(signal)) this.#logEnd(url, end);
    }
    await this.#stopWork();
    await this.#parts.resources.close();
    await this.#parts.journal.close();
  }

  /** Has every resource describe itself; rests and gives nothing when one can't. */
  async #prepare(signal: AbortSignal): Promise<readonly WireCommand[] | undefined> {
    const { resources, log } = this.#parts;
    try {
      const startups = await orAborted(resources.describe(), signal);
      if (startups === undefined) return undefined;
      this.#failedPreparations = 0;
      return named(startups);
    } catch (error) {
      const restMs = halfJitterMs(reconnectBackoff, this.#failedPreparations++, Math.random());
      log.error({ err: error, restMs }, "a resource can't be prepared: not connecting");
      await rest(restMs, signal);
      return undefined;
    }
  }

  async #runSession(url: string, startups: readonly WireCommand[]): Promise<SessionEnd> {
    const end = await this.#sessions.run(url, startups);
    this.#pings?.stop();
    this.#pings = undefined;
    if (end.wasOpen) this.#parts.resources.disconnected();
    this.#parts.onEnd?.(end);
    return end;
  }

  #openSession(url: string, startups: readonly WireCommand[]): Session {
    const { agentId, credentials, software, dial, frameBytesMax, manager, log } = this.#parts;
    const session = new Session({
      url,
      dial,
      hello: { agentId, credentials, software },
      startups,
      listener: this.#listener,
      frameBytesMax,
      log,
    });
    void session.ended.then(() => {
      this.#desk.sessionEnded(session);
      manager.detach(session);
    });
    return session;
  }

  readonly #listener: SessionListener = {
    onOpen: (session, admitted) => {
      this.#onOpen(session, admitted);
    },
    onRequest: (session, frame) => {
      this.#onRequest(session, frame);
    },
    onAck: (seq, commandIds) => {
      this.#outbox.acked(seq, commandIds);
    },
  };

  #onOpen(session: Session, admitted: StartupAnswer): void {
    const { log, resources, manager, frameBytesMax } = this.#parts;
    const gateway = session.url;
    const waitingResponses = this.#outbox.size;
    log.info({ gateway, epoch: admitted.epoch, waitingResponses }, "connected");
    this.#refusedFor = undefined;
    if (this.#sessions.onOpen(session)) this.#plan.movedTo(gateway);
    this.#learn(admitted.gateways ?? []);
    this.#pings?.stop();
    this.#pings = new PingLoop(
      {
        statuses: async (limitMs) => fitStatuses(await resources.statuses(limitMs), frameBytesMax),
        ask: (command, onAnswers) => {
          session.ask(command, onAnswers);
        },
        onAnswer: ({ gateways }) => {
          this.#learn(gateways);
          void sendInTurn(session, this.#outbox.overdue());
        },
        onSilence: (unanswered) => {
          session.close(closeCodes.silent, `${unanswered} pings without an answer`);
        },
      },
      admitted.pingIntervalMs ?? pingIntervalMsDefault,
    );
    manager.attach(session);
    void sendInTurn(session, this.#outbox.all());
    this.#parts.onOpen?.({ gateway, epoch: admitted.epoch ?? 0 });
  }

  #learn(gateways: readonly string[] | undefined): void {
    if (gateways !== undefined && this.#parts.stays !== true) this.#plan.learn(gateways);
  }

  #onRequest(session: Session, frame: RequestFrame): void {
    switch (frame.lane) {
      case "durable":
      case "direct":
        this.#desk.onRequest(frame, session);
        return;
      case "session":
        this.#onSessionRequest(session, frame);
        return;
    }
  }

  #onSessionRequest(session: Session, frame: RequestFrame): void {
    const [first] = frame.commands;
    if (first?.type === "Move") {
      void this.#move(session, frame, readMove(first));
      return;
    }
    let reconnectWhy: string | undefined;
    const answers = frame.commands.map((command) =>
      onSessionCommand(command, {
        cancel: (lane, seq, details) => this.#desk.cancel(lane, seq, details, session),
        reconnect: (details) => {
          reconnectWhy = details;
        },
      }),
    );
    session.answer(frame, answers);
    if (reconnectWhy !== undefined) {
      session.close(closeCodes.reconnect, `the manager asked for it: ${reconnectWhy}`);
    }
  }

  /** Answered over the old session, which then ends by itself. */
  async #move(session: Session, frame: RequestFrame, command: MoveCommand): Promise<void> {
    const why =
      this.#whyNotTo(command.url) ?? (await this.#sessions.move(session, dialUrl(command.url)));
    const failure = why !== undefined && { errorCode: "NOT_MOVED", details: why };
    session.answer(frame, [
      { type: "MoveAnswer", commandId: command.id, result: why === undefined, ...failure },
    ]);
  }

  #whyNotTo(url: string): string | undefined {
    const { gateways, stays } = this.#parts;
    if (stays === true) return "A direct agent lives in its gateway: its owner is changed instead.";
    if (mayReplace(url, gateways)) return undefined;
    return `${url} is no gateway that this agent may dial: it was set up with TLS.`;
  }

  /** Ends running work, says goodbye on an open session, closes it. */
  async #leave(): Promise<void> {
    this.#sessions.stop();
    const session = this.#sessions.current;
    if (session?.state !== "open") {
      session?.close(closeCodes.goingAway, "the agent stops");
      return;
    }
    const { shutdownReason: reason = "stop" } = this.#parts;
    this.#pings?.stop();
    session.leave();
    await this.#stopWork();
    const answered = new Promise<void>((resolve) => {
      session.ask({ type: "Shutdown", id: "shutdown", reason }, () => {
        resolve();
      });
    });
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, goodbyeLimitMs);
    });
    await Promise.race([answered, limit, session.ended]);
    clearTimeout(timer);
    session.close(closeCodes.normal, "the agent stops");
  }

  #stopWork(): Promise<void> {
    this.#workStopped ??= this.#desk.stop(stopWorkLimitMs);
    return this.#workStopped;
  }

  /** Says once what has to be changed, not at each of the tries that follow. */
  #logRefusal(facts: { readonly why: string }, retryAfterMs: number): void {
    const { log, agentId } = this.#parts;
    const rest = { ...facts, retryAfterMs: Math.round(retryAfterMs) };
    if (this.#refusedFor === facts.why) {
      log.debug(rest, "still not admitted");
      return;
    }
    this.#refusedFor = facts.why;
    log.error(
      rest,
      `agent ${agentId} is not admitted: ${facts.why} It is tried again now and then`,
    );
  }

  #logEnd(gateway: string, end: SessionEnd): void {
    const { log, agentId } = this.#parts;
    const facts = { gateway, code: end.code, errorCode: end.errorCode, why: end.why };
    switch (end.outcome.type) {
      case "superseded":
        log.error(
          facts,
          `another session of agent ${agentId} took over. If two machines have this agent id, give one of them another and a home of its own`,
        );
        return;
      case "refused":
        this.#logRefusal(facts, end.outcome.retryAfterMs);
        return;
      case "failed":
        log.warn(facts, "could not connect");
        return;
      case "lost":
      case "sentAway":
        log.warn(facts, "session ended; connecting again");
        return;
    }
  }
}

function named(startups: readonly object[]): readonly WireCommand[] {
  return startups.map((startup, i) => ({ ...startup, id: `startup-${i + 1}` }) as WireCommand);
}

/** One after the other, so that a full outbox does not overflow the socket. */
async function sendInTurn(session: Session, texts: Iterable<string>): Promise<void> {
  for (const text of texts) {
    await new Promise<void>((resolve) => {
      session.send(text, resolve);
    });
  }
}

/** Asked anew after each wait: the compiler believes that a signal does not change. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
