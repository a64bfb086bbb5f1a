/**
 * Pings the manager each interval with the health of every resource, and notices when it stops answering. Pings are
 * counted, not clock readings compared: an agent that was itself stopped for a while does not blame the gateway.
 */
import type { Answer, PingAnswer, ResourceStatus, WireCommand } from "../api/index.ts";
import { readPingAnswer } from "./session-commands.ts";

/** Unanswered pings that make a link count as dead: found within four intervals at most. */
export const unansweredMax = 3;
/** Bounds of the interval that the manager may set. */
const intervalMsMin = 50;
const intervalMsMax = 86_400_000;
/** Longest that a resource may take to say how it is. */
const statusLimitMsMax = 10_000;

/** What a ping loop needs of its session. */
export interface PingPort {
  statuses(limitMs: number): Promise<readonly ResourceStatus[]>;
  ask(command: WireCommand, onAnswers: (answers: readonly Answer[]) => void): void;
  onAnswer(answer: PingAnswer): void;
  /** The manager has not answered for too long. */
  onSilence(unanswered: number): void;
}

export class PingLoop {
  readonly #port: PingPort;
  readonly #random: () => number;
  #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #unanswered = 0;
  #stopped = false;

  /** Starts at once; the first ping comes within one interval, anywhere in it, so that a fleet's pings are spread. */
  constructor(port: PingPort, intervalMs: number, random: () => number = Math.random) {
    this.#port = port;
    this.#random = random;
    this.#intervalMs = bounded(intervalMs);
    this.#arm(this.#intervalMs * this.#random());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #arm(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#ping();
    }, delayMs);
  }

  async #ping(): Promise<void> {
    if (this.#unanswered >= unansweredMax) {
      this.stop();
      this.#port.onSilence(this.#unanswered);
      return;
    }
    const startedMs = performance.now();
    const limitMs = Math.min(statusLimitMsMax, this.#intervalMs / 2);
    const resources = await this.#port.statuses(limitMs);
    if (this.#stopped) return;
    this.#unanswered++;
    const command = { type: "Ping", id: `ping-${++this.#count}`, resources };
    this.#port.ask(command, (answers) => {
      this.#onAnswers(answers);
    });
    this.#arm(Math.max(0, this.#intervalMs - (performance.now() - startedMs)));
  }

  #onAnswers(answers: readonly Answer[]): void {
    if (this.#stopped) return;
    this.#unanswered = 0;
    const [first] = answers;
    if (first?.type !== "PingAnswer") return;
    const answer = readPingAnswer(first);
    this.#port.onAnswer(answer);
    if (answer.pingIntervalMs === undefined) return;
    const intervalMs = bounded(answer.pingIntervalMs);
    if (intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    this.#arm(intervalMs);
  }
}

function bounded(intervalMs: number): number {
  return Math.min(intervalMsMax, Math.max(intervalMsMin, intervalMs));
}
