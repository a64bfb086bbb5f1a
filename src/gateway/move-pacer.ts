/** Lets as many moves be under way at once as the pace says (lifecycle/move-pace), and has it learn from each. */
import { firstPace, paceAfter, paceAt, type MovePace } from "../lifecycle/move-pace.ts";

/** An agent that takes longer is stuck by itself: others need not wait for it. */
const stuckMs = 4_000;

interface UnderWay {
  othersWaited: boolean;
}

export class MovePacer {
  readonly #nowMs: () => number;
  readonly #underWay = new Set<UnderWay>();
  readonly #waiting = new Set<() => void>();
  #pace: MovePace;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#pace = firstPace(nowMs());
  }

  /** Resolves when another move may begin. */
  async untilFree(): Promise<void> {
    this.#pace = paceAt(this.#pace, this.#nowMs());
    while (this.#underWay.size >= Math.floor(this.#pace.atOnce)) {
      for (const move of this.#underWay) move.othersWaited = true;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** A move begins; gives what is to be called once, when it is over: with whether the agent went. */
  begin(): (moved: boolean) => void {
    const startedMs = this.#nowMs();
    const move: UnderWay = { othersWaited: false };
    this.#underWay.add(move);
    const stuck = setTimeout(() => {
      this.#free(move);
    }, stuckMs);
    return (moved) => {
      clearTimeout(stuck);
      const nowMs = this.#nowMs();
      const { othersWaited } = move;
      const outcome = { tookMs: nowMs - startedMs, othersWaited, failed: !moved };
      this.#pace = paceAfter(this.#pace, outcome, nowMs);
      this.#free(move);
    };
  }

  #free(move: UnderWay): void {
    this.#underWay.delete(move);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }
}
