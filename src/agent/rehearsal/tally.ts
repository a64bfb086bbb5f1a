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

/** What the hosts of one process have been through: totals, and the times since it was last told. */
export interface TallyNews extends Omit<FleetCount, "agents" | "connecting" | "executing"> {
  readonly connectingMs: readonly number[];
  readonly executingMs: readonly number[];
}

/** Counts what happens to the hosts of one process. */
export class SliceTally {
  readonly #connected = new Set<string>();
  readonly #connectingMs = new NewestTimes();
  readonly #executingMs = new NewestTimes();
  #opened = 0;
  #lost = 0;
  #refused = 0;
  #failed = 0;
  #commands = 0;

  onOpen(agentId: string, tookMs: number): void {
    this.#connected.add(agentId);
    this.#opened++;
    this.#connectingMs.add(tookMs);
  }

  onEnd(agentId: string, { wasOpen, outcome }: Pick<SessionEnd, "wasOpen" | "outcome">): void {
    if (wasOpen) {
      this.#connected.delete(agentId);
      this.#lost++;
    } else if (outcome.type === "refused") this.#refused++;
    else this.#failed++;
  }

  onCommand(tookMs: number): void {
    this.#commands++;
    this.#executingMs.add(tookMs);
  }

  /** Each time is told once. */
  takeNews(): TallyNews {
    return {
      connected: this.#connected.size,
      opened: this.#opened,
      lost: this.#lost,
      refused: this.#refused,
      failed: this.#failed,
      commands: this.#commands,
      connectingMs: this.#connectingMs.take(),
      executingMs: this.#executingMs.take(),
    };
  }
}

/** Puts together what the processes of a fleet tell. */
export class FleetTally {
  readonly #agents: number;
  /** The newest of each process, by its number. */
  readonly #news = new Map<number, TallyNews>();
  readonly #connectingMs = new NewestTimes();
  readonly #executingMs = new NewestTimes();

  constructor(agents: number) {
    this.#agents = agents;
  }

  /** @param process its number, from 0. */
  add(process: number, news: TallyNews): void {
    this.#news.set(process, news);
    for (const timeMs of news.connectingMs) this.#connectingMs.add(timeMs);
    for (const timeMs of news.executingMs) this.#executingMs.add(timeMs);
  }

  count(): FleetCount {
    const connecting = timesOf(this.#connectingMs.times);
    const executing = timesOf(this.#executingMs.times);
    const sum = (what: (news: TallyNews) => number): number =>
      [...this.#news.values()].reduce((total, news) => total + what(news), 0);
    return {
      agents: this.#agents,
      connected: sum((news) => news.connected),
      opened: sum((news) => news.opened),
      lost: sum((news) => news.lost),
      refused: sum((news) => news.refused),
      failed: sum((news) => news.failed),
      commands: sum((news) => news.commands),
      ...(connecting !== undefined && { connecting }),
      ...(executing !== undefined && { executing }),
    };
  }
}

/** The newest times of one kind, whole milliseconds, in no order. */
class NewestTimes {
  #times: number[] = [];
  #count = 0;

  get times(): readonly number[] {
    return this.#times;
  }

  add(timeMs: number): void {
    this.#times[this.#count++ % timesMax] = Math.round(timeMs);
  }

  /** Gives them and forgets them. */
  take(): readonly number[] {
    const times = this.#times;
    this.#times = [];
    this.#count = 0;
    return times;
  }
}

function timesOf(times: readonly number[]): Times | undefined {
  if (times.length === 0) return undefined;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
