/** A folder outside of the repository in which Muster is installed as a package, for programs of users. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "../../package.json" with { type: "json" };
import { buildIsFresh } from "./cli-command.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Puts `muster` and `@temporalio/*` into `folder/node_modules`; gives Node's arguments to run programs there. Where the build
 * is not of these sources, the package's exports lead to the sources.
 */
export function installMuster(folder: string): readonly string[] {
  const modules = join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  symlinkSync(join(root, "node_modules/@temporalio"), join(modules, "@temporalio"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  if (buildIsFresh()) {
    symlinkSync(root, join(modules, "muster"));
    return [];
  }
  const muster = join(modules, "muster");
  mkdirSync(muster);
  symlinkSync(join(root, "src"), join(muster, "src"));
  const exports = Object.fromEntries(
    Object.entries(packageJson.exports).map(([name, target]) => [
      name,
      target.default.replace(/^\.\/dist\//, "./src/").replace(/\.js$/, ".ts"),
    ]),
  );
  const { name, type } = packageJson;
  writeFileSync(join(muster, "package.json"), JSON.stringify({ name, type, exports }));
  return ["--import", join(root, "node_modules/tsx/dist/esm/index.mjs")];
}
