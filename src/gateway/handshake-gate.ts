/** How long a refused agent is told to wait, at least and at most, before jitter. */
const retryMs = { least: 500, most: 90_000 };
/** Part by which a turn may come earlier or later. */
const jitter = 0.1;
/** What the rate is measured over. */
const windowMs = 2_000;
/** What is reckoned with before anything is measured: too many come back rather than too few. */
const handshakesPerSecondAtFirst = 100;
const handshakesPerSecondLeast = 2;
/** So many more are given a turn than fit, so that no slot stays empty when some do not come. */
const overbooking = 1.25;

/**
 * Lets so many handshakes run at once. Who is refused gets a turn: the next one at the rate of the last seconds, so that a
 * storm comes back one after the other, as fast as it is taken, and each agent asks once or twice.
 */
export class HandshakeGate {
  readonly #slotsMax: number;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  #inUse = 0;
  #windowFromMs: number;
  #done = 0;
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
    this.#nowMs = nowMs;
    this.#random = random;
    this.#windowFromMs = nowMs();
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** A slot to give back once by calling it; undefined when all are taken. */
  enter(): (() => void) | undefined {
    this.#measure();
    if (this.#inUse >= this.#slotsMax) {
      this.#refused++;
      return undefined;
    }
    this.#inUse++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#inUse--;
      this.#done++;
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

  /** Only a gate that is full tells how fast handshakes are done. */
  #measure(): void {
    const nowMs = this.#nowMs();
    const agoMs = nowMs - this.#windowFromMs;
    if (agoMs < windowMs) return;
    const perSecond = (this.#done * 1_000) / agoMs;
    this.#perSecond =
      this.#refused === 0
        ? handshakesPerSecondAtFirst
        : Math.max(handshakesPerSecondLeast, (this.#perSecond + perSecond) / 2);
    this.#done = 0;
    this.#refused = 0;
    this.#windowFromMs = nowMs;
  }
}
