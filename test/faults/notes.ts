import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadRequest, ResourceNotes } from "./facts.ts";

interface Note {
  readonly id: string;
  readonly pid: number;
}

/** What `effects-resource.mjs` noted of these Requests, in its order. */
export function readNotes(folder: string, load: readonly LoadRequest[]): ResourceNotes {
  const ids = new Set(load.flatMap(({ commands }) => commands.map(({ id }) => id)));
  const of = (name: string) => readLines(join(folder, name)).filter(({ id }) => ids.has(id));
  return { begun: of("begun"), effects: of("effects").map(({ id }) => id) };
}

/** A line that a kill tore is none. */
function readLines(file: string): readonly Note[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return line === "" ? [] : [JSON.parse(line) as Note];
      } catch {
        return [];
      }
    });
}
