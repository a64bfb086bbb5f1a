/**
 * What every entry of a fresh clone needs first: the right Node, the locked packages, the build. Plain JavaScript without
 * dependencies, since there may be none yet.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceStamp } from "./source-stamp.mjs";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Node, packages and, unless told otherwise, the build. Ends the process with a message when one can't be had. */
export function prepare({ build = true } = {}) {
  needNode();
  if (!packagesAreLocked()) installPackages();
  if (build && !buildIsFresh()) {
    say("building (once for each change of the sources)");
    npm(["run", "--silent", "build"], "The build failed, see above.");
  }
}

/** Ends the process with what went wrong and what to do. */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

function needNode() {
  const { engines } = readJson("package.json");
  const wanted = engines.node.replace(">=", "").split(".").map(Number);
  const have = process.versions.node.split(".").map(Number);
  const newer = have[0] > wanted[0] || (have[0] === wanted[0] && have[1] >= (wanted[1] ?? 0));
  if (newer) return;
  fail(
    `Muster needs Node ${engines.node}; this is ${process.versions.node}. See https://nodejs.org.`,
  );
}

/** Whether node_modules holds what the lock file says. npm writes its own list last, so a broken install has none. */
function packagesAreLocked() {
  try {
    const locked = readJson("package-lock.json").packages;
    const installed = readJson("node_modules/.package-lock.json").packages;
    return Object.entries(locked).every(
      ([path, { version, optional, link }]) =>
        path === "" ||
        link ||
        installed[path]?.version === version ||
        (optional && !installed[path]),
    );
  } catch {
    return false;
  }
}

function installPackages() {
  say("installing packages (npm ci)");
  npm(
    ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"],
    "The packages can't be installed, see above. Is the npm registry reachable?",
  );
}

function buildIsFresh() {
  const stamp = join(root, "dist", ".source-stamp");
  return existsSync(stamp) && readFileSync(stamp, "utf8") === sourceStamp();
}

function npm(args, problem) {
  // The npm that started us, else the one on PATH.
  const npmScript = process.env.npm_execpath;
  const viaNode = npmScript?.endsWith(".js") || npmScript?.endsWith(".cjs");
  const { status, error } = spawnSync(
    viaNode ? process.execPath : "npm",
    viaNode ? [npmScript, ...args] : args,
    // Whoever prints results on stdout wants nothing else there.
    { cwd: root, stdio: ["ignore", 2, 2] },
  );
  if (error) fail(`npm can't be run: ${error.message}. Install npm beside Node.`);
  if (status !== 0) fail(problem);
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
