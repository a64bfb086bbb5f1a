/**
 * When the lifecycles of agents have taken up their new sessions, as the read model shows it: one look for all who are waited
 * for. By then nothing of the connect stands before a Command any more.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { SessionRef } from "../db/index.ts";

/** Between two looks: short enough for what a connect takes, long enough to cost nothing. */
const lookEveryMs = 25;

interface Wait extends SessionRef {
  readonly untilMs: number;
  readonly settle: () => void;
}

export class RecordedSessions {
  readonly #look: (sessions: readonly SessionRef[]) => Promise<readonly string[]>;
  readonly #nowMs: () => number;
  readonly #waits = new Set<Wait>();
  #looking = false;

  /** @param look which of the agents have a session recorded that is newer than the one named. */
  constructor(
    look: (sessions: readonly SessionRef[]) => Promise<readonly string[]>,
    nowMs: () => number,
  ) {
    this.#look = look;
    this.#nowMs = nowMs;
  }

  /** Resolves once a session after `epoch` is recorded, after `withinMs`, or when that can't be looked up. */
  async untilAfter(agentId: string, epoch: number, withinMs: number): Promise<void> {
    await new Promise<void>((settle) => {
      this.#waits.add({ agentId, epoch, untilMs: this.#nowMs() + withinMs, settle });
      if (!this.#looking) void this.#keepLooking();
    });
  }

  async #keepLooking(): Promise<void> {
    this.#looking = true;
    while (this.#waits.size > 0) {
      await this.#lookOnce([...this.#waits]);
      if (this.#waits.size > 0) await sleep(lookEveryMs);
    }
    this.#looking = false;
  }

  async #lookOnce(waits: readonly Wait[]): Promise<void> {
    const recorded = await this.#look(waits.map(({ agentId, epoch }) => ({ agentId, epoch }))).then(
      (agentIds) => new Set(agentIds),
      () => undefined,
    );
    const nowMs = this.#nowMs();
    for (const wait of waits) {
      if (recorded?.has(wait.agentId) === false && nowMs < wait.untilMs) continue;
      this.#waits.delete(wait);
      wait.settle();
    }
  }
}
