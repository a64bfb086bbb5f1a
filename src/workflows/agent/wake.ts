/**
 * The one timer of an agent's lifecycle. It is lazy: left alone when it would ring too early, and set anew only for an
 * earlier wake.
 */
import { CancellationScope, isCancellation, sleep } from "@temporalio/workflow";
import { mustRearm } from "../../lifecycle/deadlines.ts";

export class Wake {
  #armed: { readonly atMs: number; readonly scope: CancellationScope } | undefined;
  /** Set when the timer rang; cleared by the main loop. */
  rang = false;

  /** Makes sure that the timer rings at `atMs` or before; undefined needs none. */
  arm(atMs: number | undefined, nowMs: number): void {
    if (atMs === undefined || !mustRearm(this.#armed?.atMs, atMs)) return;
    this.#armed?.scope.cancel();
    const scope = new CancellationScope();
    const armed = { atMs, scope };
    this.#armed = armed;
    scope
      .run(() => sleep(Math.max(1, atMs - nowMs), { summary: "next deadline" }))
      .then(
        () => {
          if (this.#armed === armed) this.#armed = undefined;
          this.rang = true;
        },
        (error: unknown) => {
          if (!isCancellation(error)) throw error;
        },
      );
  }
}
