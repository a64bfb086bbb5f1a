/** What one listener is still to be told: bounded, in order for each agent, several agents at once. */

/** One thing to tell. Must not throw. */
export type Tell = () => Promise<void>;

interface Entry {
  readonly agentId: string;
  readonly tell: Tell;
}

export interface QueueLimits {
  /** Entries that may wait; the oldest gives way to a new one. */
  readonly waitingMax: number;
  /** Agents that are told of at the same time. */
  readonly atOnce: number;
}
export const defaultQueueLimits: QueueLimits = { waitingMax: 1_000, atOnce: 8 };

export class ListenerQueue {
  readonly #limits: QueueLimits;
  /** All that wait, in the order of arrival: the first is the oldest. */
  readonly #waiting = new Set<Entry>();
  /** The same by agent. An agent is here while it waits or is being told of. */
  readonly #lines = new Map<string, Entry[]>();
  /** Agents with something to tell of that are not being told of, in the order of their turn. */
  readonly #ready = new Set<string>();
  #running = 0;
  #dropped = 0;

  constructor(limits: QueueLimits = defaultQueueLimits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Entries that gave way to newer ones. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Queues an entry behind those of its agent. Never waits. */
  push(agentId: string, tell: Tell): void {
    const entry = { agentId, tell };
    const line = this.#lines.get(agentId);
    if (line === undefined) {
      this.#lines.set(agentId, [entry]);
      this.#ready.add(agentId);
    } else line.push(entry);
    this.#waiting.add(entry);
    if (this.#waiting.size > this.#limits.waitingMax) this.#dropOldest();
    this.#begin();
  }

  /** The oldest of all is the oldest of its agent. */
  #dropOldest(): void {
    for (const { agentId } of this.#waiting) {
      this.#take(agentId);
      this.#dropped++;
      if (this.#lines.get(agentId)?.length === 0 && this.#ready.delete(agentId)) {
        this.#lines.delete(agentId);
      }
      return;
    }
  }

  #take(agentId: string): Entry | undefined {
    const entry = this.#lines.get(agentId)?.shift();
    if (entry !== undefined) this.#waiting.delete(entry);
    return entry;
  }

  #begin(): void {
    for (const agentId of this.#ready) {
      if (this.#running >= this.#limits.atOnce) return;
      this.#ready.delete(agentId);
      const entry = this.#take(agentId);
      if (entry === undefined) continue;
      this.#running++;
      void entry.tell().finally(() => {
        this.#ended(agentId);
      });
    }
  }

  #ended(agentId: string): void {
    this.#running--;
    if (this.#lines.get(agentId)?.length === 0) this.#lines.delete(agentId);
    else this.#ready.add(agentId);
    this.#begin();
  }
}
