/** A direct agent that this gateway owns: its process is started again and again, with a rest, until it is let go. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClaimedAgent } from "../../db/index.ts";
import { goodRunMs, restartDelayMs } from "../../lifecycle/direct-claims.ts";
import type { Log } from "../../telemetry/log.ts";
import type { DirectChild } from "./child.ts";

export interface OwnedAgentParts {
  readonly claim: ClaimedAgent;
  readonly log: Log;
  /** @throws when what was declared can't be run. */
  readonly startChild: (onConnected: () => void) => DirectChild;
  /** Why it does not run; null once it does. */
  readonly onTrouble: (trouble: string | null) => void;
}

export class OwnedAgent {
  readonly claim: ClaimedAgent;
  readonly #parts: OwnedAgentParts;
  readonly #letGo = new AbortController();
  readonly #ran: Promise<void>;
  #child: DirectChild | undefined;

  constructor(parts: OwnedAgentParts) {
    this.#parts = parts;
    this.claim = parts.claim;
    this.#ran = this.#run();
  }

  /** It is on its way out. */
  get isLetGo(): boolean {
    return this.#letGo.signal.aborted;
  }

  /** Ends it in order; resolves when nothing of it runs any more. */
  async stop(graceMs: number): Promise<void> {
    this.#letGo.abort();
    await this.#child?.stop(graceMs);
    await this.#ran;
  }

  /** Ends it at once. */
  async kill(why: string): Promise<void> {
    this.#letGo.abort();
    this.#child?.kill(why);
    await this.#ran;
  }

  async #run(): Promise<void> {
    const { log, onTrouble } = this.#parts;
    for (let failures = 0; !this.isLetGo;) {
      const startedAtMs = performance.now();
      const why = await this.#runOnce();
      if (isOver(this.#letGo.signal)) return;
      failures = performance.now() - startedAtMs >= goodRunMs ? 1 : failures + 1;
      const restMs = restartDelayMs(failures, Math.random());
      log.warn({ failures, restMs, why }, "a direct agent ended and is started again");
      onTrouble(why);
      await sleep(restMs, undefined, { signal: this.#letGo.signal }).catch(() => undefined);
    }
  }

  async #runOnce(): Promise<string> {
    try {
      this.#child = this.#parts.startChild(() => {
        this.#parts.onTrouble(null);
      });
      return await this.#child.ended;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      this.#child = undefined;
    }
  }
}

/** Asked anew after each wait: the compiler believes that a signal does not change. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
