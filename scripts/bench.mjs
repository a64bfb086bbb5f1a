/** `npm run bench -- direct|durable|connect|fleet [--json] [--profile folder]`: sets up what is missing, then measures. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";

prepare();
const bench = spawn(
  process.execPath,
  ["--import", "tsx", join(root, "bench", "main.ts"), ...process.argv.slice(2)],
  // The channel tells the bench when this process is gone.
  { cwd: root, stdio: ["inherit", "inherit", "inherit", "ipc"] },
);
const [status] = await once(bench, "exit");
process.exit(status ?? 1);
