/** For guard.test.ts: starts a guard and two children, one of which ignores SIGTERM, and tells their pids. */
import { join } from "node:path";
import { startChild } from "../../../src/local/child-process.ts";
import { startGuard } from "../../../src/local/guard.ts";

const folder = process.argv[2] ?? "";
const pidsDir = join(folder, "pids");
const guard = startGuard(pidsDir);
const start = async (name: string, script: string) => {
  const child = await startChild({
    command: "sh",
    args: ["-c", script],
    logFile: join(folder, `${name}.log`),
    note: { pidsDir, name, layer: 0 },
  });
  return child.pid;
};
const pids = [
  await start("willing", "exec sleep 1000"),
  await start("stubborn", "trap '' TERM; while :; do sleep 0.2; done"),
];
process.on("SIGTERM", () => {
  void guard.dismiss().then(() => process.exit(0));
});
// Last: whoever has read it may send SIGTERM at once.
process.stdout.write(`${JSON.stringify({ guard: guard.pid, pids })}\n`);
setInterval(() => undefined, 60_000);
