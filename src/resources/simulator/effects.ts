/**
 * What happened on a simulated host, one entry an effect. With a file, each entry is in it before the Answer is given,
 * so that whoever kills the process can count afterwards how often a Command took effect.
 */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { VmInfo } from "../../api/index.ts";

/** A Command took effect. `vm` is the VM as it is since; null: gone from this host. */
export interface Effect {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly vm: VmInfo | null;
}

export class Effects {
  readonly #file: string | undefined;
  readonly #counts = new Map<string, number>();

  constructor(file: string | undefined) {
    this.#file = file;
    if (file !== undefined) mkdirSync(dirname(file), { recursive: true });
  }

  /** How often each Command took effect, by its id. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** What earlier runs left in the file, in order. A line cut off by a kill is left out. */
  replay(): readonly Effect[] {
    if (this.#file === undefined) return [];
    const effects = readEffects(this.#file);
    for (const { id } of effects) this.#count(id);
    return effects;
  }

  add(effect: Effect): void {
    this.#count(effect.id);
    // The line break comes first, so that a torn line of a killed run stays one by itself.
    if (this.#file !== undefined) appendFileSync(this.#file, `\n${JSON.stringify(effect)}`);
  }

  #count(id: string): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }
}

/** The effects in a state file; none when there is no such file. */
export function readEffects(file: string): readonly Effect[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Effect];
    } catch {
      return [];
    }
  });
}
