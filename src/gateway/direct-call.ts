import type { Answer, WireCommand } from "../api/index.ts";
import type { CallerRequest, OpenCall } from "./command-lanes.ts";
import { ProgressMarks } from "./progress-marks.ts";
import type { DirectCall, Session } from "./session.ts";
import { sendSessionCommand } from "./session-requests.ts";

interface DirectCallParts {
  readonly session: Session;
  readonly seq: number;
  readonly commands: readonly WireCommand[];
  /** By the process's monotonic clock. */
  readonly deadlineMs: number;
  readonly answered: (answers: readonly Answer[]) => void;
  readonly onProgress: CallerRequest["onProgress"];
}

/** A Request of the direct lane that its caller may leave. */
export class OpenDirectCall implements DirectCall, OpenCall {
  readonly session: Session;
  readonly seq: number;
  readonly commands: readonly WireCommand[];
  readonly deadlineMs: number;
  readonly answered: (answers: readonly Answer[]) => void;
  readonly #onProgress: CallerRequest["onProgress"];
  readonly #marks: ProgressMarks | undefined;
  #cancelled = false;

  constructor(parts: DirectCallParts) {
    this.session = parts.session;
    this.seq = parts.seq;
    this.commands = parts.commands;
    this.deadlineMs = parts.deadlineMs;
    this.answered = parts.answered;
    this.#onProgress = parts.onProgress;
    this.#marks = parts.onProgress === undefined ? undefined : new ProgressMarks();
  }

  leave(reason: string): void {
    if (this.#cancelled || this.session.direct.get(this.seq) !== this) return;
    this.#cancelled = true;
    const { session, seq } = this;
    sendSessionCommand(session, { type: "CancelDirect", seq, details: reason });
  }

  onProgress(index: number, answer: Answer): void {
    if (this.#marks?.isNews(this.commands, index, answer) === true) {
      this.#onProgress?.(index, answer);
    }
  }
}
