/** Something that goes on, shown while it changes: a bar that is written over on a terminal, plain lines elsewhere, JSON. */
import type { CliContext } from "./context.ts";
import { plain } from "./text/plain.ts";
import { eraseLine } from "./text/terminal.ts";
import { stampOf } from "./text/times.ts";

/** One state of it, in the three forms. */
export interface Shown {
  readonly json: unknown;
  /** Fits one line of a terminal. */
  readonly bar: string;
  readonly line: string;
}

/** Shows each change once. */
export class ChangingLine {
  readonly #context: CliContext;
  readonly #json: boolean;
  #shown = "";
  #barIsOpen = false;
  #complained = "";

  constructor(context: CliContext, json: boolean) {
    this.#context = context;
    this.#json = json;
  }

  show({ json, bar, line }: Shown): void {
    const { terminal, print, now } = this.#context;
    this.#complained = "";
    const key = JSON.stringify(json);
    if (key === this.#shown) return;
    this.#shown = key;
    if (this.#json) {
      print(`${key}\n`);
    } else if (terminal) {
      print(`${eraseLine}${bar}`);
      this.#barIsOpen = true;
    } else {
      print(`${stampOf(new Date(now()))}  ${plain(line)}\n`);
    }
  }

  /** Says once that the manager is away. */
  complain(why: string): void {
    if (why === this.#complained) return;
    this.#complained = why;
    this.#closeBar();
    this.#context.complain(`muster: ${plain(why)} Trying again.\n`);
  }

  /** The last word; JSON has said all by itself. */
  end(words?: string): void {
    this.#closeBar();
    if (words !== undefined && !this.#json) this.#context.print(`${words}\n`);
  }

  #closeBar(): void {
    if (this.#barIsOpen) this.#context.print("\n");
    this.#barIsOpen = false;
  }
}
