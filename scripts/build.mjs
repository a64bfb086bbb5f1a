/** `npm run build`: compiles to dist/, and puts beside the code what tsc does not know: migrations and workflow bundle. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { sourceStamp } from "./source-stamp.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const stampFile = join(dist, ".source-stamp");

// Of the sources as they were before: a change while tsc runs makes the build stale, not fresh.
const stamp = sourceStamp();
mkdirSync(dist, { recursive: true });
rmSync(stampFile, { force: true });
if (!existsSync(join(dist, "cli"))) rmSync(join(dist, ".tsbuildinfo"), { force: true });

const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);

deleteOrphans();
rmSync(join(dist, "db", "migrations"), { recursive: true, force: true });
cpSync(join(root, "src", "db", "migrations"), join(dist, "db", "migrations"), { recursive: true });
chmodSync(join(dist, "cli", "main.js"), 0o755);
const { writeWorkflowBundle } = await import(pathToFileURL(join(dist, "worker", "bundle.js")).href);
await writeWorkflowBundle();
writeFileSync(stampFile, stamp);

/** tsc leaves the output of deleted sources behind. */
function deleteOrphans() {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const relative = file.slice(dist.length + 1);
    const match = /^(.+)(\.d\.ts|\.js\.map|\.js)$/.exec(relative);
    if (!entry.isFile() || match === null || !relative.includes("/")) continue;
    if (!existsSync(join(root, "src", `${match[1]}.ts`))) rmSync(file);
  }
}
