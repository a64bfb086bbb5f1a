import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentHome } from "../../../src/agent/home.ts";
import { loadOrMakeSecret } from "../../../src/agent/identity.ts";
import { takeLock } from "../../../src/agent/lock.ts";

const log = pino({ level: "silent" });
let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "muster-home-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("lock", () => {
  test("held by a living process - refused, free after it let go", () => {
    const path = join(directory, "agent.pid");
    const letGo = takeLock(path);
    expect(() => takeLock(path)).toThrow(/Another container/);
    letGo();
    takeLock(path)();
  });

  test("stale - a process that is gone, a number that belongs to another by now, rubbish", () => {
    const path = join(directory, "agent.pid");
    const stale = [
      JSON.stringify({ pid: 2 ** 22 + 1, startedAt: "1" }),
      JSON.stringify({ pid: process.pid, startedAt: "1" }),
      "rubbish",
      "",
    ];
    for (const text of stale) {
      writeFileSync(path, text);
      const letGo = takeLock(path);
      expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid: process.pid });
      letGo();
    }
  });
});

describe("identity", () => {
  test("secret - made once, 0600, tightened when others can read it", async () => {
    const path = join(directory, "secret");
    const secret = await loadOrMakeSecret(path, log);
    expect(secret).toHaveLength(43);
    chmodSync(path, 0o644);
    expect(await loadOrMakeSecret(path, log)).toBe(secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("two at once - agree on one", async () => {
    const path = join(directory, "secret");
    const [one, two] = await Promise.all([
      loadOrMakeSecret(path, log),
      loadOrMakeSecret(path, log),
    ]);
    expect(await loadOrMakeSecret(path, log)).toBe(one);
    expect(two).toBe(one);
  });

  test("empty file - stops the agent instead of making it a stranger to its manager", async () => {
    const path = join(directory, "secret");
    writeFileSync(path, "");
    await expect(loadOrMakeSecret(path, log)).rejects.toMatchObject({
      code: "IDENTITY_UNREADABLE",
    });
  });

  test.each(["", "../x", "a/b", ".hidden", "x".repeat(129)])("agent id %j - refused", (id) => {
    expect(() => agentHome(directory, id)).toThrow(/agent id/);
  });
});
