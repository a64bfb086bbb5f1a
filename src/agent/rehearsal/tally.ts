/** What a simulated fleet has been through. */
import type { SessionEnd } from "../session-end.ts";

/** Times kept for percentiles, of each kind: the newest. */
const timesMax = 100_000;

/** The half and the worst hundredth of some times, in milliseconds; absent when there were none. */
export interface Times {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A count of everything up to now. */
export interface FleetCount {
  readonly agents: number;
  readonly connected: number;
  /** Sessions that opened, and open ones that ended. */
  readonly opened: number;
  readonly lost: number;
  /** Handshakes that were refused, and those that failed: put off, timed out, nobody there. */
  readonly refused: number;
  readonly failed: number;
  /** Commands that the hosts' resources were given. */
  readonly commands: number;
  /** From dialling to Ready. */
  readonly connecting?: Times;
  readonly executing?: Times;
}

export class FleetTally {
  readonly #agents: number;
  readonly #connected = new Set<string>();
  readonly #connectingMs: number[] = [];
  readonly #executingMs: number[] = [];
  #opened = 0;
  #lost = 0;
  #refused = 0;
  #failed = 0;
  #commands = 0;

  constructor(agents: number) {
    this.#agents = agents;
  }

  onOpen(agentId: string, tookMs: number): void {
    this.#connected.add(agentId);
    this.#connectingMs[this.#opened++ % timesMax] = tookMs;
  }

  onEnd(agentId: string, { wasOpen, outcome }: Pick<SessionEnd, "wasOpen" | "outcome">): void {
    if (wasOpen) {
      this.#connected.delete(agentId);
      this.#lost++;
    } else if (outcome.type === "refused") this.#refused++;
    else this.#failed++;
  }

  onCommand(tookMs: number): void {
    this.#executingMs[this.#commands++ % timesMax] = tookMs;
  }

  count(): FleetCount {
    const connecting = timesOf(this.#connectingMs);
    const executing = timesOf(this.#executingMs);
    return {
      agents: this.#agents,
      connected: this.#connected.size,
      opened: this.#opened,
      lost: this.#lost,
      refused: this.#refused,
      failed: this.#failed,
      commands: this.#commands,
      ...(connecting !== undefined && { connecting }),
      ...(executing !== undefined && { executing }),
    };
  }
}

function timesOf(times: readonly number[]): Times | undefined {
  if (times.length === 0) return undefined;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
