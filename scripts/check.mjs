/** `npm run check`: everything that can be judged without servers. What failed is printed whole, the rest in one line. */
import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { prepare, root, say } from "./prepare.mjs";

prepare({ build: false });

const bin = (name) => `node_modules/.bin/${name}`;
/** Longest first: the first one decides how long it takes, so the others give way to it. */
const steps = [
  ["types, lint", process.execPath, ["scripts/lint.mjs"]],
  ["unit tests", bin("vitest"), ["run", "--project", "unit", "--reporter=dot"]],
  [
    "format",
    bin("prettier"),
    ["--check", "--log-level=warn", "--cache", "--cache-location=.cache/prettier.json", "."],
  ],
  ["dead code", bin("knip"), []],
  ["import rules", bin("depcruise"), ["src", "--config", ".dependency-cruiser.cjs"]],
];
/** One more than the cores of the smallest machine that this is run on: unit tests wait half of their time. */
const stepsAtOnce = 3;
const startedAt = performance.now();
const failed = [];
const queue = [...steps];
await Promise.all(Array.from({ length: stepsAtOnce }, work));
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
say(
  failed.length === 0
    ? `check: ${steps.length} of ${steps.length} passed in ${seconds} s`
    : `check: ${failed.join(", ")} failed (${steps.length - failed.length} of ${steps.length} passed in ${seconds} s)`,
);
process.exit(failed.length === 0 ? 0 : 1);

async function work() {
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const [name] = step;
    const begunAt = performance.now();
    const { code, output } = await run(step);
    const took = `${((performance.now() - begunAt) / 1000).toFixed(1)} s`;
    if (code === 0) {
      say(`ok      ${name.padEnd(12)} ${took}`);
    } else {
      failed.push(name);
      say(`FAILED  ${name.padEnd(12)} ${took}\n${output.trimEnd()}\n`);
    }
  }
}

function run(step) {
  const [, command, args] = step;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    if (step !== steps[0] && child.pid !== undefined) {
      setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    }
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}
