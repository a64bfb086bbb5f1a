/** New names in directories, so that they are still there after the power has failed. */
import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** A new name is safe only when its directory is on disk too. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes a directory that only its owner may enter, with those above it; they are on disk when it resolves. */
export async function makePrivateDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let above = dirname(resolve(path)); above !== top; above = dirname(above)) {
    await syncDirectory(above);
  }
  await syncDirectory(top);
}
