/**
 * Which gateway to dial next, and when. Pure: the time comes as an argument.
 *
 * A round is one try of each known gateway. Within a round the next one is tried at once; after a whole round without
 * success the agent rests, longer each time. It never gives up. A gateway that named a time is not tried before it. A
 * refusal is the word of the whole manager: no gateway is tried before the time that it names, and then the next one.
 */
import { fullJitterMs, halfJitterMs, reconnectBackoff, supersededBackoff } from "./backoff.ts";
import { dialUrl, mayReplace } from "./gateway-urls.ts";

/** A session that stayed open for so long ends the count of failures. */
const stableAfterMs = 10_000;
/** However long a gateway wants to be left alone. */
const retryAfterMsMax = 3_600_000;

/** How a try of a gateway, or a session with it, ended. */
export type DialOutcome =
  /** Not reached, failed in the handshake, or full. */
  | { readonly type: "failed"; readonly retryAfterMs?: number }
  /** Not admitted, by what all gateways go by: it comes to nothing to ask the others at once. */
  | { readonly type: "refused"; readonly retryAfterMs: number }
  /** The session was open and broke. The gateway may be alive: it is tried first. */
  | { readonly type: "lost"; readonly openForMs: number }
  /** The gateway sent the agent away (it stops, or an operator asked for a reconnect). */
  | {
      readonly type: "sentAway";
      readonly openForMs: number;
      readonly retryAfterMs?: number;
    }
  /** A newer session of this agent id exists. */
  | { readonly type: "superseded" };

export class DialPlan {
  readonly #configured: readonly string[];
  readonly #random: () => number;
  readonly #notBeforeMs = new Map<string, number>();
  readonly #tried = new Set<string>();
  #urls: readonly string[];
  #current = 0;
  /** Where the session is, or the last try was: the manager's list may name it no more. */
  #dialled = "";
  #failedRounds = 0;
  #superseded = 0;
  #restUntilMs = 0;

  /**
   * @param configured WebSocket URLs as the agent was given them; always kept as a last resort.
   * @param random from 0 up to 1.
   */
  constructor(configured: readonly string[], random: () => number = Math.random) {
    this.#configured = configured.map(dialUrl);
    this.#urls = this.#configured;
    this.#random = random;
  }

  /** The gateways in the order of trying. */
  get urls(): readonly string[] {
    return this.#urls;
  }

  /** What to dial, and how long to rest before it. */
  next(nowMs: number): { readonly url: string; readonly restMs: number } {
    const count = this.#urls.length;
    const candidates = Array.from({ length: count }, (_, i) => (this.#current + i) % count)
      .map((index) => this.#urls[index] ?? "")
      .filter((url) => !this.#tried.has(url));
    const readyMs = (url: string) => Math.max(this.#restUntilMs, this.#notBeforeMs.get(url) ?? 0);
    // The first in order that needs no rest; else the one that is ready first.
    const url =
      candidates.find((candidate) => readyMs(candidate) <= nowMs) ??
      candidates.reduce((best, candidate) =>
        readyMs(candidate) < readyMs(best) ? candidate : best,
      );
    this.#current = this.#urls.indexOf(url);
    this.#dialled = url;
    return { url, restMs: Math.max(0, readyMs(url) - nowMs) };
  }

  /** Says how the last one ended. */
  ended(outcome: DialOutcome, nowMs: number): void {
    const url = this.#dialled;
    switch (outcome.type) {
      case "failed":
        this.#leaveAlone(url, outcome.retryAfterMs, nowMs);
        this.#setAside(url, nowMs);
        return;
      case "refused":
        this.#tried.clear();
        this.#restUntilMs = nowMs + Math.min(outcome.retryAfterMs, retryAfterMsMax);
        this.#current = (this.#current + 1) % this.#urls.length;
        return;
      case "lost":
        this.#startRound(outcome.openForMs, nowMs);
        return;
      case "sentAway":
        this.#leaveAlone(url, outcome.retryAfterMs, nowMs);
        this.#startRound(outcome.openForMs, nowMs);
        if (this.#urls.every((other) => other === url)) return;
        this.#restUntilMs = nowMs;
        this.#current = Math.max(0, this.#urls.indexOf(url));
        this.#setAside(url, nowMs);
        return;
      case "superseded":
        this.#tried.clear();
        this.#restUntilMs =
          nowMs + halfJitterMs(supersededBackoff, this.#superseded++, this.#random());
        return;
    }
  }

  /** The agent's session is with this gateway now, which it did not choose itself. */
  movedTo(url: string): void {
    if (!this.#urls.includes(url)) this.#urls = [url, ...this.#urls];
    this.#current = this.#urls.indexOf(url);
    this.#dialled = url;
    this.#tried.clear();
  }

  /** A list of gateways from the manager, in its order of preference. The configured ones stay behind it. */
  learn(gateways: readonly string[]): void {
    const current = this.#urls[this.#current];
    const usable = gateways.filter((url) => mayReplace(url, this.#configured)).map(dialUrl);
    this.#urls = [...new Set([...usable, ...this.#configured])];
    this.#current = Math.max(0, current === undefined ? 0 : this.#urls.indexOf(current));
    this.#tried.clear();
    for (const known of this.#notBeforeMs.keys()) {
      if (!this.#urls.includes(known)) this.#notBeforeMs.delete(known);
    }
  }

  /** A session that was open a good while makes the trouble before it forgotten; a short one counts as trouble. */
  #startRound(openForMs: number, nowMs: number): void {
    this.#tried.clear();
    if (openForMs >= stableAfterMs) {
      this.#failedRounds = 0;
      this.#superseded = 0;
    }
    this.#restUntilMs = nowMs + fullJitterMs(reconnectBackoff, this.#failedRounds, this.#random());
    if (openForMs < stableAfterMs) {
      this.#failedRounds++;
      this.#current = (this.#current + 1) % this.#urls.length;
    }
  }

  #leaveAlone(url: string, retryAfterMs: number | undefined, nowMs: number): void {
    if (retryAfterMs === undefined) return;
    this.#notBeforeMs.set(url, nowMs + Math.min(retryAfterMs, retryAfterMsMax));
  }

  #setAside(url: string, nowMs: number): void {
    this.#tried.add(url);
    if (this.#urls.includes(url)) this.#current = (this.#current + 1) % this.#urls.length;
    if (this.#urls.some((other) => !this.#tried.has(other))) return;
    this.#tried.clear();
    this.#restUntilMs =
      nowMs + fullJitterMs(reconnectBackoff, this.#failedRounds++, this.#random());
  }
}
