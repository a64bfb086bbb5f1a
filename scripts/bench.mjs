/** `npm run bench -- direct|durable|connect [--json]`: sets up what is missing, then measures. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";

prepare();
const { status } = spawnSync(
  process.execPath,
  ["--import", "tsx", join(root, "bench", "main.ts"), ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
process.exit(status ?? 1);
