/** Shows on stderr how far a Command for many agents is: a bar on a terminal, a line now and then elsewhere. */
import type { FleetCounts } from "../client/index.ts";
import type { CliContext } from "./context.ts";
import { countsText } from "./text/fleet-report.ts";
import { progressBar } from "./text/progress-bar.ts";
import { eraseLine } from "./text/terminal.ts";

const everyMs = { terminal: 100, elsewhere: 5_000 };

export class FleetScreen {
  readonly #context: CliContext;
  readonly #width: number | undefined;
  #shownAtMs: number;
  #barIsOpen = false;

  constructor(context: CliContext) {
    this.#context = context;
    this.#width = context.progressWidth;
    this.#shownAtMs = this.#width === undefined ? context.now() : 0;
  }

  /** Call with each result; most calls show nothing. */
  show(counts: () => FleetCounts): void {
    const nowMs = this.#context.now();
    const quietMs = this.#width === undefined ? everyMs.elsewhere : everyMs.terminal;
    if (nowMs - this.#shownAtMs < quietMs) return;
    this.#shownAtMs = nowMs;
    this.#write(counts());
  }

  /** Takes the bar away, for what says it better. */
  clear(): void {
    if (this.#barIsOpen) this.#context.complain(eraseLine);
    this.#barIsOpen = false;
  }

  #write(counts: FleetCounts): void {
    const { agents: total, answered, missing } = counts;
    const done = answered + missing;
    const note = countsText(counts);
    if (this.#width === undefined) {
      this.#context.complain(`${done} of ${total}: ${note}\n`);
      return;
    }
    this.#context.complain(`${eraseLine}${progressBar({ done, total, note }, this.#width)}`);
    this.#barIsOpen = true;
  }
}
