/** The power of one simulated host, as its network sees it. */
import type { Dial, Link } from "./link.ts";

export type Power = "on" | "off";

export class PowerSwitch {
  #off = new AbortController();
  #onceOn = Promise.resolve();
  #switchOn = (): void => undefined;
  readonly #links = new Set<Link>();

  get power(): Power {
    return this.#off.signal.aborted ? "off" : "on";
  }

  /** Aborted once the power is off; a new one each time that it is switched on. */
  get offSignal(): AbortSignal {
    return this.#off.signal;
  }

  /** Resolves when there is power. */
  untilOn(): Promise<void> {
    return this.#onceOn;
  }

  /** @returns whether that changed anything. */
  set(power: Power): boolean {
    if (power === this.power) return false;
    if (power === "on") {
      this.#off = new AbortController();
      this.#switchOn();
      return true;
    }
    this.#onceOn = new Promise((resolve) => {
      this.#switchOn = resolve;
    });
    // The sockets first: nobody gets to say goodbye.
    for (const link of this.#links) link.drop("the host lost its power");
    this.#off.abort();
    return true;
  }

  /** The same dial, whose links end without a word when the power goes. */
  wire(dial: Dial): Dial {
    return (url, listener) => {
      const link = dial(url, {
        ...listener,
        onClosed: (end) => {
          this.#links.delete(link);
          listener.onClosed(end);
        },
      });
      this.#links.add(link);
      return link;
    };
  }
}
