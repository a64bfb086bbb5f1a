import type { Answer } from "../api/index.ts";

/** Which Answers of one Request were told as progress: each is news once, whoever brings it and however often. */
export class ProgressMarks {
  readonly #told = new Set<number>();

  /** Whether an Answer belongs to that Command of the Request and was not told before; notes it. */
  isNews(commands: readonly { readonly id: string }[], index: number, answer: Answer): boolean {
    if (commands[index]?.id !== answer.commandId || this.#told.has(index)) return false;
    this.#told.add(index);
    return true;
  }
}
