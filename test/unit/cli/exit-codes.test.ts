import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "./run.ts";

/** A home without a token. */
const nowhere = join(tmpdir(), "muster-test-no-such-home");
const token = "a-token-of-a-test-0123456789";

describe("exit codes - 0 for what was asked", () => {
  it.each([["--help"], ["--version"], ["help"], ["agent", "--help"], ["maintenance", "--help"]])(
    "%s %s",
    async (...args) => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).not.toBe("");
    },
  );

  it("lists every command of the design in the help", async () => {
    const { stdout } = await run(["--help"]);
    const names = [
      ...["up", "gateway", "worker", "setup", "sim", "agent", "agents", "why", "ask", "send"],
      ...[
        "request",
        "recurring",
        "cancel",
        "maintenance",
        "enable",
        "disable",
        "unmanage",
        "manage",
        "reconnect",
      ],
      ...["remove", "configure", "gateways", "events"],
    ];
    for (const name of names) expect(stdout).toMatch(new RegExp(`^ +${name} `, "m"));
  });
});

describe("exit codes - 2 for wrong usage and settings, with a message on stderr", () => {
  it.each([
    { args: [], says: "Usage: muster" },
    { args: ["agnets"], says: "Did you mean agents?" },
    { args: ["agents", "--colour"], says: "--colour" },
    { args: ["agents", "--status", "Fine"], says: "Give one of Creating, Connecting, Up" },
    { args: ["agents", "--limit", "0"], says: "Give a whole number from 1" },
    { args: ["agents", "too", "many"], says: "too many arguments" },
    { args: ["agent"], says: "--resource (kvm, simulator, ./module)" },
    { args: ["agent", "a", "--id", "b", "--resource", "kvm"], says: "two ids" },
    { args: ["agent", "--resource", "kvm"], says: "MUSTER_GATEWAYS" },
    { args: ["agent", "--resource", "kvm", "--gateway", "http://x"], says: "ws://" },
    { args: ["agent", "--config", "{}", "--resource", "kvm"], says: "after the --resource" },
    { args: ["agent", "--resource", "kvm", "--config", "[1]"], says: "Give a JSON object" },
    { args: ["agent", "--resource", "kvm", "--config", "{"], says: "It is not JSON" },
    { args: ["agent", "--resource", "kvm", "--config", "@/no/file"], says: "can't be read" },
    { args: ["sim"], says: "--agents" },
    { args: ["sim", "--agents", "many"], says: "whole number" },
    { args: ["up", "--sims", "-1"], says: "whole number" },
    { args: ["why"], says: "missing required argument 'id'" },
    { args: ["send", "host-1"], says: "missing <type>" },
    { args: ["send"], says: "missing <id> and <type>" },
    { args: ["send", "host-1", "StopVm", "{}", "{}"], says: "too many arguments" },
    { args: ["send", "host-1", "--batch", "/no/file"], says: "can't be read" },
    { args: ["send", "host-1", "StopVm", "--batch", "f"], says: "too many arguments" },
    { args: ["send", "--all", "--batch", "f"], says: "a batch goes to one agent" },
    { args: ["send", "--all"], says: "missing <type> (beside --all or --where)" },
    { args: ["send", "--all", "StopVm", "--async"], says: "for one agent" },
    { args: ["send", "--all", "ListVms", "--lane", "direct"], says: "muster ask" },
    { args: ["ask", "--all", "CheckHealth", "{}", "{}"], says: "too many arguments" },
    { args: ["send", "host-1", "ListVms", "--async", "--lane", "direct"], says: "--async" },
    { args: ["ask", "host-1"], says: "missing <type>" },
    { args: ["ask", "--all", "--where", "zone=a", "CheckHealth"], says: "exclude each other" },
    { args: ["ask", "--where", "zone", "CheckHealth"], says: '"zone" is not <key>=<value>' },
    { args: ["ask", "--where", "zone=", "CheckHealth"], says: "is not <key>=<value>" },
    { args: ["ask", "--where", "colour=red", "CheckHealth"], says: "keys are zone, cluster" },
    { args: ["ask", "--where", "status=Fine", "CheckHealth"], says: "Give one of Creating" },
    { args: ["ask", "--where", "zone=a,zone=b", "CheckHealth"], says: "zone is named twice" },
    { args: ["ask", "--all", "CheckHealth", "--concurrency", "0"], says: "whole number from 1" },
    { args: ["recurring"], says: "add" },
    { args: ["recurring", "add", "h", "n", "CheckHealth"], says: "say when" },
    { args: ["recurring", "add", "h", "n", "--every", "60"], says: "give the Command's <type>" },
    {
      args: ["recurring", "add", "h", "n", "X", "--every", "60", "--cron", "* * * * *"],
      says: "say when",
    },
    { args: ["recurring", "add", "h", "n", "X", "--cron", "* * *"], says: "five fields" },
    {
      args: ["recurring", "add", "h", "n", "X", "--every", "9", "--timezone", "UTC"],
      says: "--timezone belongs",
    },
    { args: ["send", "host-1", "StopVm", "{vm}"], says: "not JSON" },
    { args: ["send", "host-1", "StopVm", '"web"'], says: "must be a JSON object" },
    { args: ["send", "host-1", "StopVm", "@/no/file"], says: "can't be read" },
    { args: ["send", "host-1", "StopVm", "--lane", "fast"], says: "Give one of durable, direct" },
    { args: ["send", "host-1", "StopVm", "--wait", "soon"], says: "Give a number" },
    { args: ["maintenance"], says: "enter" },
    { args: ["maintenance", "leave", "host-1"], says: "leave" },
    { args: ["remove", "host-1"], says: "Say --yes" },
    { args: ["configure", "host-1"], says: "--ping-interval" },
    { args: ["configure", "host-1", "--ping-multiplier", "1"], says: "from 1.1 to 100" },
    { args: ["events", "--after", "-3"], says: "whole number" },
  ])("muster $args", async ({ args, says }) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(says);
  });

  it("names a setting that is unknown or malformed, before anything is started", async () => {
    for (const command of ["up", "gateway", "worker", "setup", "agents"]) {
      const misspelt = await run([command], { MUSTER_API_PROT: "1" });
      expect(misspelt.code, command).toBe(2);
      expect(misspelt.stderr, command).toContain("MUSTER_API_PROT: is not a setting");
    }
    const malformed = await run(["gateway"], { MUSTER_API_PORT: "eighty" });
    expect(malformed.code).toBe(2);
    expect(malformed.stderr).toContain('MUSTER_API_PORT: "eighty" is not a number');
  });

  it("says where a token may come from when there is none", async () => {
    const { code, stderr } = await run(["agents"], { MUSTER_HOME: nowhere });
    expect(code).toBe(2);
    expect(stderr).toContain("MUSTER_API_TOKEN: is not set");
    expect(stderr).toContain("npm start");
  });
});

describe("exit codes - 1 for what failed", () => {
  it("says what to do when no operator API answers, without a stack", async () => {
    const env = {
      MUSTER_HOME: nowhere,
      MUSTER_API_TOKEN: token,
      // Port 1 is never listened on where tests run.
      MUSTER_API_URL: "http://127.0.0.1:1",
    };
    const { code, stdout, stderr } = await run(["agents"], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("http://127.0.0.1:1 can't be reached (ECONNREFUSED");
    expect(stderr).toContain("npm start");
    expect(stderr).toContain("MUSTER_API_URL");
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("adds the stack when LOG_LEVEL is debug", async () => {
    const env = {
      MUSTER_HOME: nowhere,
      MUSTER_API_TOKEN: token,
      MUSTER_API_URL: "http://127.0.0.1:1",
      LOG_LEVEL: "debug",
    };
    const { code, stderr } = await run(["gateways"], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\n +at .*client\.[jt]s/);
  });
});
