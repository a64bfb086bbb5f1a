import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { givenCommand } from "../../../src/cli/command-fields.ts";
import { parseConfig, ResourceChoices } from "../../../src/cli/resource-options.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("--resource, --config and --uri", () => {
  it("give each --config and --uri to the --resource before it", () => {
    const choices = new ResourceChoices();
    choices.add("kvm");
    choices.connectTo("test:///default");
    choices.configure('{"limit":2}');
    choices.add("simulator");
    const chosen = choices.add("./mine");
    choices.configure('{"a":1}');
    expect(chosen).toEqual([
      { module: "kvm", config: { uri: "test:///default", limit: 2 } },
      { module: "simulator", config: {} },
      { module: "./mine", config: { a: 1 } },
    ]);
  });

  it("read @file", () => {
    const file = join(folder, "config.json");
    writeFileSync(file, '{"vms": 3}');
    expect(parseConfig(`@${file}`)).toEqual({ vms: 3 });
  });
});

describe("the Command of `muster send`", () => {
  it("takes the type as it is, and the class name of a known one", () => {
    expect(givenCommand("GetHostStats", undefined)).toEqual({ type: "GetHostStats" });
    expect(givenCommand("GetHostStatsCommand", undefined)).toEqual({ type: "GetHostStats" });
    expect(givenCommand("RunBackupCommand", undefined)).toEqual({ type: "RunBackupCommand" });
  });

  it("takes the other fields from JSON or @file, never the type", () => {
    const file = join(folder, "fields.json");
    writeFileSync(file, '{"vm": "web-1", "type": "StartVm"}');
    expect(givenCommand("StopVm", `@${file}`)).toEqual({ type: "StopVm", vm: "web-1" });
  });
});
