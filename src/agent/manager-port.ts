/**
 * The way of an agent's resources to the manager: session Commands of their own, by whatever session is open. Bounded, and
 * each asking ends: by an Answer, its wait, or the session.
 */
import { randomUUID } from "node:crypto";
import type { Answer, ManagerLink, WireCommand } from "../api/index.ts";
import { commandToText } from "../wire/outgoing.ts";
import { ManagerLinkError } from "./errors.ts";
import { timerMsMax } from "./open-request.ts";

/** Askings of one agent that may be open at once. */
const openMax = 64;
const waitMsDefault = 10_000;
/** What a Request takes beside its Command. */
const envelopeBytes = 256;

/** Commands of the link itself: the container's, not a resource's. */
const reserved: readonly string[] = [
  "Startup",
  "Ready",
  "Ping",
  "Shutdown",
  "Reconnect",
  "Move",
  "Cancel",
  "CancelDirect",
];

/** What the port needs of a session. */
export interface ControlSession {
  readonly frameBytesMax: number;
  /** Sends a session Command. Gives a function that makes it no longer waited for. */
  ask(command: WireCommand, onAnswers: (answers: readonly Answer[]) => void): () => void;
}

export class ManagerPort implements ManagerLink {
  /** Ends an asking early, with the session by which it went. */
  readonly #open = new Map<(error: ManagerLinkError) => void, ControlSession>();
  #session: ControlSession | undefined;

  /** Askings that have no Answer yet. */
  get openAskings(): number {
    return this.#open.size;
  }

  /** A session is open: what is asked from now on goes by it. */
  attach(session: ControlSession): void {
    this.#session = session;
  }

  /** A session is over: what was asked by it gets no Answer any more. */
  detach(session: ControlSession): void {
    if (this.#session === session) this.#session = undefined;
    const message = "The session ended before the manager answered: it may have heard the Command.";
    for (const [end, asked] of this.#open) {
      if (asked === session) end(new ManagerLinkError("SESSION_LOST", message));
    }
  }

  /** Whether something that was asked by that session has no Answer yet. */
  awaits(session: ControlSession): boolean {
    return [...this.#open.values()].includes(session);
  }

  async ask(
    command: Parameters<ManagerLink["ask"]>[0],
    { waitMs = waitMsDefault, signal }: Parameters<ManagerLink["ask"]>[1] = {},
  ): Promise<Answer> {
    if (signal?.aborted === true) throw aborted(signal);
    if (this.#session === undefined) {
      throw new ManagerLinkError("NO_SESSION", "The agent is not connected: nothing was sent.");
    }
    const sendable = checked(command, this.#session.frameBytesMax - envelopeBytes);
    if (this.#open.size >= openMax) {
      const message = `${openMax} Commands to the manager are unanswered: wait for their Answers before asking more.`;
      throw new ManagerLinkError("TOO_MANY_OPEN", message);
    }
    return await this.#ask(this.#session, sendable, waitMs, signal);
  }

  #ask(
    session: ControlSession,
    command: WireCommand,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const forget = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#open.delete(end);
        withdraw();
      };
      const end = (error: ManagerLinkError) => {
        forget();
        reject(error);
      };
      const onAbort = () => {
        if (signal !== undefined) end(aborted(signal));
      };
      const withdraw = session.ask(command, ([answer]) => {
        if (answer === undefined) return;
        forget();
        resolve(answer);
      });
      const timer = setTimeout(
        () => {
          const message = `The manager did not answer ${command.type} within ${waitMs} ms: it may have heard it.`;
          end(new ManagerLinkError("WAIT_OVER", message));
        },
        Math.min(waitMs, timerMsMax),
      );
      this.#open.set(end, session);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/** The Command with an id on it. */
function checked(command: object, bytesMax: number): WireCommand {
  const complete = { id: randomUUID(), ...command };
  const text = commandToText(complete, bytesMax);
  if (typeof text !== "string") {
    throw new ManagerLinkError("BAD_COMMAND", `The Command can't be sent: ${text.details}.`);
  }
  const { type } = complete as unknown as WireCommand;
  if (reserved.includes(type)) {
    const message = `${type} is the container's own: give the Command a type that a CommandListener answers.`;
    throw new ManagerLinkError("BAD_COMMAND", message);
  }
  return complete as unknown as WireCommand;
}

function aborted(signal: AbortSignal): ManagerLinkError {
  return new ManagerLinkError("ABORTED", "The asking was aborted.", { cause: signal.reason });
}
