/** The disk under the code of this process, to fail, or to die with it, at any operation. */
import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What becomes of an operation: it happens, it fails with an error, or half of it happens and nothing after it. */
type Fate = "happens" | "diesHalfway" | Error;

type Operation = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/** Operations that change something. */
const ofPaths = ["mkdir", "open", "rename", "link", "copyFile", "rm"] as const;
const ofHandles = ["appendFile", "datasync", "sync", "truncate"] as const;

/**
 * Runs `work` on a disk whose nth changing operation, from 0, ends as `fateOf` says.
 * @returns what the work gives, or undefined when it never ended since the disk died; and how many operations there were.
 */
export async function onDisk<T>(
  fateOf: (nth: number, name: string) => Fate,
  work: () => Promise<T>,
): Promise<{ readonly result: T | undefined; readonly operations: number }> {
  const opened: FileHandle[] = [];
  let operations = 0;
  let die = (): void => undefined;
  const dead = new Promise<undefined>((resolve) => {
    die = () => {
      resolve(undefined);
    };
  });
  let isDead = false;
  const end = () => {
    isDead = true;
    die();
    return new Promise<never>(() => undefined);
  };
  const wrap = (name: string, original: Operation): Operation =>
    async function (this: unknown, ...args) {
      if (isDead) return end();
      // A file that is opened to be read is no change.
      const changes = name !== "open" || args[1] !== "r";
      const fate = changes ? fateOf(operations++, name) : "happens";
      if (fate instanceof Error) throw fate;
      if (fate === "diesHalfway" && name === "appendFile") {
        const text = String(args[0]);
        await original.call(this, text.slice(0, text.length / 2));
      }
      if (fate !== "happens") return end();
      const done = await original.apply(this, args);
      if (name === "open") opened.push(done as FileHandle);
      return done;
    };
  const handles = await handlePrototype();
  const restorePaths = replace(fs as unknown as Record<string, Operation>, ofPaths, wrap);
  const restoreHandles = replace(handles, ofHandles, wrap);
  syncBuiltinESMExports();
  try {
    const result = await Promise.race([work(), dead]);
    return { result, operations };
  } finally {
    // Whatever the dead work still holds ends nowhere.
    isDead = true;
    restorePaths();
    restoreHandles();
    syncBuiltinESMExports();
    // Nobody else closes what died.
    for (const handle of opened) await handle.close().catch(() => undefined);
  }
}

function replace(
  target: Record<string, Operation>,
  names: readonly string[],
  wrap: (name: string, original: Operation) => Operation,
): () => void {
  const originals = new Map<string, Operation>();
  for (const name of names) {
    const original = target[name];
    if (original === undefined) throw new Error(`There is no ${name}.`);
    originals.set(name, original);
    target[name] = wrap(name, original);
  }
  return () => {
    for (const [name, original] of originals) target[name] = original;
  };
}

async function handlePrototype(): Promise<Record<string, Operation>> {
  const path = join(tmpdir(), `muster-handle-${process.pid}`);
  const handle = await fs.open(path, "w");
  await handle.close();
  await fs.rm(path);
  return Object.getPrototypeOf(handle) as FileHandle & Record<string, Operation>;
}
