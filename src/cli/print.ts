import type { CliContext } from "./context.ts";

/** Prints JSON on one line for programs, or what `words` gives for people. */
export function printResult(
  context: CliContext,
  json: boolean | undefined,
  result: unknown,
  words: () => string,
): void {
  context.print(json === true ? `${JSON.stringify(result)}\n` : words());
}
