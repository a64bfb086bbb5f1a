/** To whom a Command goes and what it is: `<id> <Type> [json]`, or `--all|--where … <Type> [json]`. */
import { type GivenCommand, givenBatch, givenCommand } from "./command-fields.ts";
import { UsageError } from "./errors.ts";
import { isFleet, type FleetCliOptions } from "./fleet-selection.ts";

export interface AddresseeOptions extends FleetCliOptions {
  /** A file with a list of Commands in place of `<Type> [json]`. */
  readonly batch?: string;
}

/** An argument, if it was given. */
export type Word = string | undefined;

/** One agent and its Commands, or one Command for many agents. */
export type Addressee =
  | { readonly agentId: string; readonly commands: readonly GivenCommand[] }
  | { readonly agentId: undefined; readonly command: GivenCommand };

/** @throws UsageError naming what is missing or too much. */
export function addresseeOf(given: readonly Word[], options: AddresseeOptions): Addressee {
  const words = given.filter((word) => word !== undefined);
  const fleet = isFleet(options);
  const { batch } = options;
  if (fleet && batch !== undefined) {
    throw new UsageError("a batch goes to one agent: give its id instead of --all or --where.");
  }
  if (fleet) {
    const [type, json] = wordsOf(["type", "json"], 1, words, "beside --all or --where");
    return { agentId: undefined, command: givenCommand(type ?? "", json) };
  }
  if (batch !== undefined) {
    const [id] = wordsOf(["id"], 1, words, "beside --batch");
    return { agentId: id ?? "", commands: givenBatch(batch) };
  }
  const [id, type, json] = wordsOf(["id", "type", "json"], 2, words, "or give --all or --where");
  return { agentId: id ?? "", commands: [givenCommand(type ?? "", json)] };
}

function wordsOf(
  names: readonly string[],
  needed: number,
  words: readonly string[],
  when: string,
): readonly string[] {
  const missing = names.slice(words.length, needed);
  if (missing.length > 0) {
    throw new UsageError(`missing ${missing.map((name) => `<${name}>`).join(" and ")} (${when}).`);
  }
  if (words.length > names.length) {
    const tooMuch = words.slice(names.length).join(" ");
    throw new UsageError(`too many arguments ${when}: "${tooMuch}". JSON goes in one, in quotes.`);
  }
  return words;
}
