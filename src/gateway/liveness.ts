/**
 * The one loop of a gateway that judges: who has been silent for too long, whose wait is over. The same loop beats the
 * lease, so a gateway that no longer judges no longer vouches.
 */
import { isSilent, type RelayedSession } from "./relay.ts";

/** Time between two turns of the loop. */
export const judgeEveryMs = 200;
/** A turn that comes later than this counts as a stall of the gateway itself. */
export const stallAfterMs = 500;
const beatEveryMs = 2_000;
/** How long a silent session's socket stays open for a last question to the agent. */
const lingerMs = 5_000;

/** What the loop judges. */
export interface JudgedSession extends RelayedSession {
  silentSinceMs: number | undefined;
}

/** What the loop does about it. */
export interface LivenessPort<S extends JudgedSession> {
  sessions(): Iterable<S>;
  /** Judging clock: moved by this loop alone. */
  tick(): number;
  now(): number;
  beat(): void;
  sweep(): void;
  onStalled(stalledMs: number): void;
  onSilent(session: S, silentForMs: number): void;
  /** The silent session's last chance is over. */
  onLingered(session: S): void;
}

export class Liveness<S extends JudgedSession> {
  readonly #port: LivenessPort<S>;
  #beatAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  stalledMs = 0;

  constructor(port: LivenessPort<S>) {
    this.#port = port;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.turn();
    }, judgeEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One turn of the loop. */
  turn(): void {
    const stalledMs = this.#port.tick();
    if (stalledMs > 0) {
      this.stalledMs += stalledMs;
      this.#port.onStalled(stalledMs);
    }
    const nowMs = this.#port.now();
    this.#judge(nowMs);
    this.#port.sweep();
    if (nowMs - this.#beatAtMs < beatEveryMs && stalledMs === 0) return;
    this.#beatAtMs = nowMs;
    this.#port.beat();
  }

  #judge(nowMs: number): void {
    for (const session of this.#port.sessions()) {
      if (session.silentSinceMs !== undefined) {
        if (nowMs - session.silentSinceMs > lingerMs) this.#port.onLingered(session);
      } else if (isSilent(session, nowMs)) {
        session.silentSinceMs = nowMs;
        this.#port.onSilent(session, Math.round(nowMs - session.lastPingAtMs));
      }
    }
  }
}
