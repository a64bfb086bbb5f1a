/** `npm run check`: everything that can be judged without servers. What failed is printed whole, the rest in one line. */
import { spawn } from "node:child_process";
import { prepare, root, say } from "./prepare.mjs";

prepare({ build: false });

const bin = (name) => `node_modules/.bin/${name}`;
/** Longest first; two at a time suits the smallest machine that this is run on. */
const steps = [
  ["lint", bin("eslint"), ["."]],
  [
    "unit tests",
    bin("vitest"),
    ["run", "--project", "unit", "--project", "model", "--reporter=dot"],
  ],
  ["types", bin("tsc"), ["--noEmit"]],
  ["dead code", bin("knip"), []],
  ["import rules", bin("depcruise"), ["src", "--config", ".dependency-cruiser.cjs"]],
  [
    "format",
    bin("prettier"),
    ["--check", "--log-level=warn", "--cache", "--cache-location=.cache/prettier.json", "."],
  ],
];
const startedAt = performance.now();
const failed = [];
const queue = [...steps];
await Promise.all([1, 2].map(work));
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
say(
  failed.length === 0
    ? `check: ${steps.length} of ${steps.length} passed in ${seconds} s`
    : `check: ${failed.join(", ")} failed (${steps.length - failed.length} of ${steps.length} passed in ${seconds} s)`,
);
process.exit(failed.length === 0 ? 0 : 1);

async function work() {
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const [name, command, args] = step;
    const begunAt = performance.now();
    const { code, output } = await run(command, args);
    const took = `${((performance.now() - begunAt) / 1000).toFixed(1)} s`;
    if (code === 0) {
      say(`ok      ${name.padEnd(12)} ${took}`);
    } else {
      failed.push(name);
      say(`FAILED  ${name.padEnd(12)} ${took}\n${output.trimEnd()}\n`);
    }
  }
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      // See eslint.config.js.
      env: { ...process.env, TSESTREE_SINGLE_RUN: "true" },
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}
