import type { CliContext } from "./context.ts";

/** The option that every command has. */
export interface JsonOption {
  readonly json?: boolean;
}
export const jsonOption = ["--json", "print JSON, for programs"] as const;

/**
 * The one line by which a process says on stdout that it is ready: JSON that begins with `{"ready":true`, or a
 * sentence.
 */
export function printReady(
  context: CliContext,
  { json }: JsonOption,
  facts: object,
  sentence: string,
): void {
  context.print(`${json === true ? JSON.stringify({ ready: true, ...facts }) : sentence}\n`);
}
