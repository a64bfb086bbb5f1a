import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Digest of all that the build is made from. `dist/.source-stamp` holds that of the last build.
 * @returns {string}
 */
export function sourceStamp() {
  const digest = createHash("sha256");
  const files = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const configs = ["package-lock.json", "tsconfig.json", "tsconfig.build.json"];
  for (const file of [...files, ...configs.map((name) => join(root, name))]) {
    digest.update(`\n${file.slice(root.length)}\n`).update(readFileSync(file));
  }
  return digest.digest("hex");
}
