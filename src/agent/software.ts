import { readFileSync } from "node:fs";

/** Name and version of this container, for operators. */
export function softwareName(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  return `muster-agent/${version}`;
}
