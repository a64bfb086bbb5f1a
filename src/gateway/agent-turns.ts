/** Lets so many calls for one agent be under way at once; the others wait their turn, first come first served. */

interface Queue {
  underWay: number;
  readonly waiting: (() => void)[];
}

export class AgentTurns {
  readonly #atOnce: number;
  readonly #byAgent = new Map<string, Queue>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Runs `call` when it is its turn. Rejects, without having run it, when that is not within `withinMs`. */
  async run<T>(agentId: string, withinMs: number, call: () => Promise<T>): Promise<T> {
    const queue = this.#byAgent.get(agentId) ?? { underWay: 0, waiting: [] };
    this.#byAgent.set(agentId, queue);
    if (queue.underWay < this.#atOnce) queue.underWay++;
    else await turn(queue, withinMs);
    try {
      return await call();
    } finally {
      const next = queue.waiting.shift();
      // The place goes straight to the next one.
      if (next !== undefined) next();
      else if (--queue.underWay === 0) this.#byAgent.delete(agentId);
    }
  }
}

function turn(queue: Queue, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const enter = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      const ahead = queue.waiting.indexOf(enter);
      queue.waiting.splice(ahead, 1);
      reject(new Error(`Its turn did not come within ${withinMs} ms: ${ahead} are before it.`));
    }, withinMs);
    queue.waiting.push(enter);
  });
}
