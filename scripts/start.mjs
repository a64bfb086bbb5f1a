/** `npm start`: sets up what is missing, then is `muster up` in this same process, so that signals need no passing on. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fail, prepare, root } from "./prepare.mjs";

prepare();
const main = join(root, "dist", "cli", "main.js");
if (!existsSync(main)) fail(`${main} is not there: run \`npm run build\`.`);

// A killed npm passes nothing on; the stack must not stay behind without the one who asked for it.
if (process.env.npm_lifecycle_event === "start") {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, 1_000).unref();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.prependListener(signal, () => {
      // It is stopping already; a second signal would end it at once.
      clearInterval(watch);
      if (process.listenerCount(signal) === 1) process.exit(1);
    });
  }
}
process.argv = [process.execPath, main, "up", ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
