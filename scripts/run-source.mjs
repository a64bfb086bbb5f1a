/** Runs a program of the sources in a process of its own, with everything that it needs set up. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";

/** Runs a TypeScript file of the package with this process's arguments and ends as it does. */
export async function runSource(file) {
  prepare();
  const run = spawn(
    process.execPath,
    ["--import", "tsx", join(root, file), ...process.argv.slice(2)],
    // The channel tells it when this process is gone.
    { cwd: root, stdio: ["inherit", "inherit", "inherit", "ipc"] },
  );
  const [status] = await once(run, "exit");
  process.exit(status ?? 1);
}
