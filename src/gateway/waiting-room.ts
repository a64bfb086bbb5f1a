/**
 * Those who have connected and not yet said anything. There is room for so many; when one more comes, the one that
 * has waited longest leaves. Whoever means it speaks at once, so idle sockets by the thousand only drive each other out.
 */
export class WaitingRoom<T> {
  readonly #waiting = new Set<T>();
  readonly #placesMax: number;
  readonly #showOut: (oldest: T) => void;

  constructor(placesMax: number, showOut: (oldest: T) => void) {
    this.#placesMax = placesMax;
    this.#showOut = showOut;
  }

  get size(): number {
    return this.#waiting.size;
  }

  enter(one: T): void {
    this.#waiting.add(one);
    if (this.#waiting.size <= this.#placesMax) return;
    for (const oldest of this.#waiting) {
      this.#waiting.delete(oldest);
      this.#showOut(oldest);
      return;
    }
  }

  leave(one: T): void {
    this.#waiting.delete(one);
  }

  /** Everyone out, when the gateway stops. */
  clear(): void {
    for (const one of [...this.#waiting]) {
      this.#waiting.delete(one);
      this.#showOut(one);
    }
  }
}
