/** How long a refused agent is told to wait, at least and at most, before jitter. */
const retryMs = { least: 500, most: 90_000 };
/** Part by which a turn may come earlier or later. */
const jitter = 0.1;
/**
 * How long a handshake takes, in a crowd: so many are let in as are done in the time to aim at. After five seconds of waiting for
 * Temporal one is given up, and all its work is lost, so that a slow machine with many at once would get nowhere.
 */
const tookMs = { quick: 500, aim: 1_000, slow: 1_500, none: 5_000 };
const slotsLeast = 4;
/** What the rate is measured over. */
const windowMs = 2_000;
/**
 * What is reckoned with before anything is measured. Too low a guess leaves a quick gateway idle, too high a one has a slow one
 * refuse the same agents again: with this, five thousand have come back in a minute and a half at the latest.
 */
const handshakesPerSecondAtFirst = 60;
const handshakesPerSecondLeast = 2;
/** So many more are given a turn than fit, so that no slot stays empty when some do not come. */
const overbooking = 1.15;

/**
 * Lets so many handshakes run at once, fewer where that makes them slow. Who is refused gets a turn: the next one at the
 * rate that the last seconds allow, so that a storm comes back one after the other, and each agent asks once or twice.
 */
export class HandshakeGate {
  readonly #slotsMax: number;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  #slots: number;
  #inUse = 0;
  #windowFromMs: number;
  #done = 0;
  /** All of those that are done together. */
  #tookMs = 0;
  #refused = 0;
  #perSecond = handshakesPerSecondAtFirst;
  /** The last turn that was given. */
  #lastTurnAtMs = 0;

  constructor(
    slotsMax: number,
    nowMs: () => number = () => performance.now(),
    random: () => number = Math.random,
  ) {
    this.#slotsMax = slotsMax;
    this.#slots = slotsMax;
    this.#nowMs = nowMs;
    this.#random = random;
    this.#windowFromMs = nowMs();
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** Whether all slots are taken; whoever asks counts as refused then. */
  turnsAway(): boolean {
    this.#measure();
    if (this.#inUse < this.#slots) return false;
    this.#refused++;
    return true;
  }

  /** A slot to give back once by calling it; undefined when all are taken. */
  enter(): (() => void) | undefined {
    if (this.turnsAway()) return undefined;
    this.#inUse++;
    const fromMs = this.#nowMs();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#inUse--;
      this.#done++;
      this.#tookMs += this.#nowMs() - fromMs;
    };
  }

  /** When a refused agent may come back, in milliseconds from now. */
  retryAfterMs(): number {
    this.#measure();
    const nowMs = this.#nowMs();
    const betweenMs = 1_000 / (this.#perSecond * overbooking);
    const turnAtMs = Math.max(this.#lastTurnAtMs, nowMs + retryMs.least) + betweenMs;
    const waitMs = turnAtMs - nowMs;
    if (waitMs > retryMs.most) {
      // No turn so far ahead: nobody knows the rate by then. They come spread out, and ask again.
      return Math.round(retryMs.most * (0.5 + this.#random() / 2));
    }
    this.#lastTurnAtMs = turnAtMs;
    return Math.round(waitMs * (1 - jitter + 2 * jitter * this.#random()));
  }

  #measure(): void {
    const nowMs = this.#nowMs();
    const agoMs = nowMs - this.#windowFromMs;
    if (agoMs < windowMs) return;
    if (this.#refused === 0 || agoMs > 2 * windowMs) {
      this.#perSecond = handshakesPerSecondAtFirst;
      this.#slots = this.#slotsMax;
    } else {
      const eachMs = this.#done === 0 ? tookMs.none : this.#tookMs / this.#done;
      const perSecond = (this.#done * 1_000) / agoMs;
      // How many were done says little when fewer came than could have been done: then it is how many the slots allow.
      const allowed = (this.#slots * 1_000) / Math.max(eachMs, 1);
      this.#perSecond = Math.max(perSecond, allowed, handshakesPerSecondLeast);
      this.#slots = this.#slotsAt(eachMs, perSecond);
    }
    this.#done = 0;
    this.#tookMs = 0;
    this.#refused = 0;
    this.#windowFromMs = nowMs;
  }

  /** Little's law: as many at once as are done in the time that one should take. */
  #slotsAt(eachMs: number, perSecond: number): number {
    if (eachMs >= tookMs.quick && eachMs <= tookMs.slow) return this.#slots;
    const slots = eachMs > tookMs.slow ? (perSecond * tookMs.aim) / 1_000 : this.#slots * 1.25 + 1;
    return Math.min(this.#slotsMax, Math.max(slotsLeast, Math.round(slots)));
  }
}
