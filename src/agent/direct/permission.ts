/**
 * Whether a direct agent may act: its gateway grants it for a few seconds each time it is asked. A grant counts from the
 * asking, by this process's own monotonic clock, so one that was late on its way, or found this process stopped, is as
 * short as it has become meanwhile.
 */

/** Askings whose grant may still come. */
const askedMax = 32;

export class Permission {
  readonly #nowMs: () => number;
  readonly #askedAtMs = new Map<number, number>();
  #no = 0;
  #untilMs: number | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The gateway is about to be asked; gives the number of the asking. */
  ask(): number {
    const no = ++this.#no;
    this.#askedAtMs.set(no, this.#nowMs());
    this.#askedAtMs.delete(no - askedMax);
    return no;
  }

  /** The gateway granted an asking, for so long. */
  granted(no: number, forMs: number): void {
    const askedAtMs = this.#askedAtMs.get(no);
    if (askedAtMs === undefined || this.state === "over") return;
    this.#untilMs = Math.max(this.#untilMs ?? 0, askedAtMs + forMs);
  }

  /** `over` is for good: what comes after it comes too late. */
  get state(): "none" | "holds" | "over" {
    if (this.#untilMs === undefined) return "none";
    return this.#nowMs() < this.#untilMs ? "holds" : "over";
  }
}
