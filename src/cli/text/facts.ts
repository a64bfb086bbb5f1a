import { hanging } from "./wrap.ts";

/** Name and value, one below the other, values aligned and wrapped; undefined ones are left out. */
export function facts(
  pairs: readonly (readonly [name: string, value: string | undefined])[],
  width: number,
): string {
  const known = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
  const nameWidth = Math.max(...known.map(([name]) => name.length));
  return known
    .map(([name, value]) => hanging(`${name.padEnd(nameWidth)}  `, value, width))
    .join("");
}
