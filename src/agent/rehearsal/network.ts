/** The network of one simulated host: it may fall silent (half-open, no socket is closed) or be down. */
import type { Dial, Link, LinkEnd, LinkListener } from "../link.ts";

export type NetworkState = "up" | "silent" | "down";

/** What a socket says that ended without a close frame. */
const droppedCode = 1006;

export class HostNetwork {
  #state: NetworkState = "up";
  readonly #wires = new Set<Wire>();
  /** When the agent dialled last, by the process's monotonic clock. */
  dialledAtMs = 0;

  get state(): NetworkState {
    return this.#state;
  }

  change(state: NetworkState): void {
    this.#state = state;
    for (const wire of [...this.#wires]) wire.onNetwork(state);
  }

  /** The same dial, over this network. */
  wire(dial: Dial): Dial {
    return (url, listener) => {
      this.dialledAtMs = performance.now();
      const wire = new Wire(listener, this.#state, () => this.#wires.delete(wire));
      this.#wires.add(wire);
      // Without a network nobody is dialled: the agent waits in vain, or is told at once.
      if (this.#state === "up") wire.connect(dial, url);
      return wire;
    };
  }
}

/** A link whose agent's end and gateway's end may know different things. */
class Wire implements Link {
  readonly #listener: LinkListener;
  readonly #forget: () => void;
  #network: NetworkState;
  #far: Link | undefined;
  #nearIsOver = false;
  /** How the far end ended while nothing got through. */
  #unheardEnd: LinkEnd | undefined;

  constructor(listener: LinkListener, network: NetworkState, forget: () => void) {
    this.#listener = listener;
    this.#network = network;
    this.#forget = forget;
    if (network === "down") {
      setImmediate(() => {
        this.#endNear({ code: droppedCode, why: "the host has no network" });
        this.#forget();
      });
    }
  }

  connect(dial: Dial, url: string): void {
    this.#far = dial(url, {
      onOpen: () => {
        if (this.#hears) this.#listener.onOpen();
      },
      onMessage: (data) => {
        if (this.#hears) this.#listener.onMessage(data);
      },
      onClosed: (end) => {
        this.#far = undefined;
        if (this.#network === "silent") this.#unheardEnd = end;
        else {
          this.#forget();
          this.#endNear(end);
        }
      },
    });
  }

  get queuedBytes(): number {
    return this.#far?.queuedBytes ?? 0;
  }

  send(text: string, onWritten?: () => void): void {
    if (this.#hears && this.#far !== undefined) this.#far.send(text, onWritten);
    else onWritten?.();
  }

  close(code: number, why: string): void {
    // A silent network keeps the far end open: it is half-open until the network is back.
    if (this.#network === "up") this.#far?.close(code, why);
    this.#endNear({ code, why });
    if (this.#far === undefined) this.#forget();
  }

  drop(why: string): void {
    if (this.#network === "up") this.#far?.drop(why);
    this.#endNear({ code: droppedCode, why });
    if (this.#far === undefined) this.#forget();
  }

  onNetwork(state: NetworkState): void {
    this.#network = state;
    if (state === "silent") return;
    if (this.#unheardEnd !== undefined) this.#endNear(this.#unheardEnd);
    // What the agent has given up, and what a network takes with it that goes down, is reset.
    if (state === "down" || this.#nearIsOver) this.#far?.drop("the network was cut");
    if (state === "down") this.#endNear({ code: droppedCode, why: "the network went down" });
    if (this.#far === undefined) {
      // Dialled in the silence, or ended: a real network would answer with a reset.
      this.#endNear({ code: droppedCode, why: "the network was cut" });
      this.#forget();
    }
  }

  get #hears(): boolean {
    return this.#network === "up" && !this.#nearIsOver;
  }

  #endNear(end: LinkEnd): void {
    if (this.#nearIsOver) return;
    this.#nearIsOver = true;
    this.#listener.onClosed(end);
  }
}
