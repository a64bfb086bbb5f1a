import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processIdentity } from "../../../src/local/process-identity.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

let folder: string;
let parent: ChildProcess;
let guard: number;
let children: number[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "muster-guard-"));
  const script = fileURLToPath(new URL("./guarded-parent.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  parent = child;
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  ({ guard, pids: children } = JSON.parse(line) as { guard: number; pids: number[] });
});
afterEach(() => {
  for (const pid of [...children, guard, parent.pid ?? 0]) {
    if (processIdentity(pid) !== undefined) process.kill(pid, "SIGKILL");
  }
  rmSync(folder, { recursive: true, force: true });
});

test("guard - ends what a killed parent had started, then itself", async () => {
  expect(children.map(processIdentity)).not.toContain(undefined);
  parent.kill("SIGKILL");
  await waitUntil("all are gone", () =>
    [...children, guard].every((pid) => processIdentity(pid) === undefined),
  );
});

test("guard - that was dismissed touches nothing", async () => {
  parent.kill("SIGTERM");
  await waitUntil("the guard is gone", () => processIdentity(guard) === undefined);
  expect(children.map(processIdentity)).not.toContain(undefined);
});
