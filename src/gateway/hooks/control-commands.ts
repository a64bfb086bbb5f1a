/** Commands that agents ask of the manager: listeners are asked in turn, the first Answer counts. */
import { unsupported, type Answer, type ControlCommand } from "../../api/index.ts";
import { callInTime } from "../../hooks/call-in-time.ts";
import { count, type KnownListener, type Listeners } from "../../hooks/listeners.ts";
import { answerToText } from "../../wire/outgoing.ts";
import { messageOf } from "./ask-listeners.ts";

/** Open at once: of one session, and of all. */
const openMax = { ofSession: 16, ofAll: 512 };
/** An Answer may take half a frame. */
const frameShare = 0.5;

/** Who asks, as far as this must know it. One of each session. */
export interface ControlAsker {
  controlsOpen: number;
  /** Aborted when the session is over. */
  readonly over: AbortSignal;
}

export interface ControlOptions {
  readonly timeoutMs: number;
  readonly frameBytesMax: number;
}

export class ControlCommands {
  readonly #listeners: Listeners;
  readonly #options: ControlOptions;
  #open = 0;
  /** How they ended, ever. */
  readonly ends = { answered: 0, unsupported: 0, busy: 0 };

  constructor(listeners: Listeners, options: ControlOptions) {
    this.#listeners = listeners;
    this.#options = options;
  }

  /** One Answer, whatever the listeners do. Never rejects. */
  async ask(control: ControlCommand, asker: ControlAsker): Promise<Answer> {
    if (asker.controlsOpen >= openMax.ofSession || this.#open >= openMax.ofAll) {
      this.ends.busy++;
      return busy(control);
    }
    asker.controlsOpen++;
    this.#open++;
    try {
      return await this.#askInTurn(control, asker.over);
    } finally {
      asker.controlsOpen--;
      this.#open--;
    }
  }

  async #askInTurn(control: ControlCommand, over: AbortSignal): Promise<Answer> {
    const failures: string[] = [];
    for (const known of this.#listeners.withMethod("onControlCommand")) {
      if (over.aborted) break;
      const end = await this.#askOne(known, control, over);
      if (typeof end === "string") failures.push(end);
      else if (end !== undefined) {
        this.ends.answered++;
        return end;
      }
    }
    this.ends.unsupported++;
    const { type, id } = control.command;
    const details =
      failures.length === 0
        ? `No listener of this gateway takes ${type} from an agent.`
        : `No listener of this gateway answered ${type}: ${failures.join("; ")}.`;
    return { ...unsupported(control.command), commandId: id, details };
  }

  /** Its Answer; nothing when it leaves the Command to others; what went wrong, in words. */
  async #askOne(
    known: KnownListener,
    control: ControlCommand,
    over: AbortSignal,
  ): Promise<Answer | string | undefined> {
    const { listener } = known;
    const { timeoutMs } = this.#options;
    const end = await callInTime<unknown>(
      (options) => listener.onControlCommand?.(structuredClone(control), options),
      timeoutMs,
      over,
    );
    if (end.type === "timedOut") {
      count(known, "onControlCommand", "timedOut");
      return `${listener.name} took longer than ${timeoutMs} ms`;
    }
    const answer =
      end.type === "done"
        ? this.#read(end.value, control.command.id)
        : `failed: ${messageOf(end.error)}`;
    count(known, "onControlCommand", typeof answer === "string" ? "failed" : "done");
    return typeof answer === "string" ? `${listener.name} ${answer}` : answer;
  }

  #read(value: unknown, commandId: string): Answer | string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "object") return "answered something that is no Answer";
    const text = answerToText(
      { ...value, commandId },
      Math.floor(this.#options.frameBytesMax * frameShare),
    );
    // What crosses the wire is what JSON makes of it.
    return typeof text === "string" ? (JSON.parse(text) as Answer) : `failed: ${text.details}`;
  }
}

function busy({ command }: ControlCommand): Answer {
  return {
    type: "ErrorAnswer",
    commandId: command.id,
    result: false,
    outcome: "notSent",
    errorCode: "MANAGER_BUSY",
    details: "Too many Commands to the manager are open: ask again when some are answered.",
  };
}
