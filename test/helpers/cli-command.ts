import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sourceStamp } from "../../scripts/source-stamp.mjs";

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** Command line of the `muster` CLI: the build when it was made from the sources as they are, else the sources. */
export function cliCommand(): string[] {
  return buildIsFresh()
    ? [process.execPath, path("dist/cli/main.js")]
    : [process.execPath, "--import", "tsx", path("src/cli/main.ts")];
}

/** Whether `dist` was made from the sources as they are. */
export function buildIsFresh(): boolean {
  try {
    return readFileSync(path("dist/.source-stamp"), "utf8") === sourceStamp();
  } catch {
    return false;
  }
}
