/** How long a refused agent is told to wait, at least and at most, before jitter. */
const retryMs = { least: 500, most: 30_000 };
/** What the rates are measured over. */
const windowMs = 2_000;

/**
 * Lets so many handshakes run at once. Who is refused is told when to come back: as long as the crowd of the last
 * seconds needs at the rate of the last seconds, with jitter, so that a storm comes back spread out.
 */
export class HandshakeGate {
  readonly #slotsMax: number;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  #inUse = 0;
  #windowFromMs: number;
  #done = 0;
  #refused = 0;
  #doneBefore = 0;
  #refusedBefore = 0;

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
    this.#turnWindow();
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
    this.#turnWindow();
    const crowd = this.#refused + this.#refusedBefore;
    const done = Math.max(1, this.#done + this.#doneBefore);
    const needMs = (crowd / done) * windowMs;
    const baseMs = Math.min(Math.max(needMs, retryMs.least), retryMs.most);
    return Math.round(baseMs * (0.5 + this.#random()));
  }

  #turnWindow(): void {
    const nowMs = this.#nowMs();
    const agoMs = nowMs - this.#windowFromMs;
    if (agoMs < windowMs) return;
    const recent = agoMs < 2 * windowMs;
    this.#doneBefore = recent ? this.#done : 0;
    this.#refusedBefore = recent ? this.#refused : 0;
    this.#done = 0;
    this.#refused = 0;
    this.#windowFromMs = nowMs;
  }
}
