/** Modules for MUSTER_HOOK_MODULES whose listeners are the test's own objects. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { HookListener } from "../../../src/api/index.ts";

/** Where a module finds what it shall give: it is loaded by Node itself, beside the test's own modules. */
const shared = globalThis as { musterTestListeners?: Map<string, HookListener> };

/** Makes modules in a folder that is gone after the file's tests. */
export function useListenerModules(): {
  readonly moduleOf: (listener: HookListener) => string;
  readonly folder: () => string;
} {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "muster-listeners-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return {
    moduleOf: (listener) => {
      shared.musterTestListeners ??= new Map();
      shared.musterTestListeners.set(listener.name, listener);
      const file = join(folder, `${listener.name}.mjs`);
      writeFileSync(
        file,
        `export default () => globalThis.musterTestListeners.get("${listener.name}");\n`,
      );
      return file;
    },
    folder: () => folder,
  };
}
