import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processIdentity } from "../../../src/local/process-identity.ts";
import { readStack, removeStackFile, writeStackFile } from "../../../src/local/stack-file.ts";
import { keepSecret, lockHome, openHome } from "../../../src/local/stack-home.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-home-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("home - is readable by its owner alone", () => {
  const home = openHome(join(folder, "deep", "home"));
  for (const path of [home.home, home.secretsDir, home.logsDir, home.runDir]) {
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
});

test("home - that can't be made says what to set", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => openHome(join(folder, "file", "home"))).toThrow(/MUSTER_HOME/);
});

test("lock - is held by one start at a time, and free again after", () => {
  const home = openHome(folder);
  const unlock = lockHome(home);
  expect(() => lockHome(home)).toThrow(new RegExp(`process ${process.pid}`));
  unlock();
  lockHome(home)();
});

test.each([
  ["a process that is gone", { pid: 2 ** 22 + 1, identity: "x" }],
  ["another process with the same number", { pid: process.pid, identity: "earlier" }],
  ["nobody, its file being cut short", undefined],
])("lock - of %s counts for nothing", (_, holder) => {
  const home = openHome(folder);
  writeFileSync(join(home.runDir, "lock"), holder === undefined ? "{" : JSON.stringify(holder));
  const unlock = lockHome(home);
  expect(JSON.parse(readFileSync(join(home.runDir, "lock"), "utf8"))).toEqual({
    pid: process.pid,
    identity: processIdentity(process.pid),
  });
  unlock();
});

test("secret - is made once, kept with mode 0600, and replaced by a given one", () => {
  const home = openHome(folder);
  const made = keepSecret(home, "api-token");
  expect(made.length).toBeGreaterThanOrEqual(32);
  expect(keepSecret(home, "api-token")).toBe(made);
  expect(keepSecret(home, "join-token")).not.toBe(made);
  expect(statSync(join(home.secretsDir, "api-token")).mode & 0o777).toBe(0o600);
  expect(keepSecret(home, "api-token", "given-by-the-operator")).toBe("given-by-the-operator");
  expect(keepSecret(home, "api-token")).toBe("given-by-the-operator");
});

test("stack file - is believed only while the stack's own process lives", () => {
  const home = openHome(folder);
  const apiToken = keepSecret(home, "api-token");
  const stack = {
    apiUrl: "http://127.0.0.1:1",
    agentUrl: "ws://127.0.0.1:2/agent",
    temporalAddress: "127.0.0.1:3",
    temporalNamespace: "default",
    pid: process.pid,
    identity: processIdentity(process.pid) ?? "",
    pids: {},
  };
  writeStackFile(folder, stack);
  expect(readStack(folder)).toEqual({ ...stack, apiToken });
  writeStackFile(folder, { ...stack, identity: "earlier" });
  expect(readStack(folder)).toBeUndefined();
  removeStackFile(folder);
  expect(readStack(folder)).toBeUndefined();
});
