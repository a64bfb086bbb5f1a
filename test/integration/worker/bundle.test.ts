import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type * as bundleModule from "../../../src/worker/bundle.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
type Bundle = typeof bundleModule;

/** The sources that a bundle is made from, in a folder of their own that a test may change. */
describe("workflow bundle", () => {
  let folder = "";
  let bundle: Bundle;
  let said: string[] = [];
  const log = pino(
    { level: "info" },
    { write: (line: string) => said.push((JSON.parse(line) as { msg: string }).msg) },
  );

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "muster-bundle-"));
    said = [];
    await mkdir(join(folder, "src"));
    for (const name of ["api", "lifecycle", "workflows", "worker", "telemetry"]) {
      await cp(join(repository, "src", name), join(folder, "src", name), { recursive: true });
    }
    await cp(join(repository, "package.json"), join(folder, "package.json"));
    await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
    const url = pathToFileURL(join(folder, "src/worker/bundle.ts")).href;
    bundle = (await import(/* @vite-ignore */ url)) as Bundle;
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("is made on the fly when there is none, and holds the workflows", async () => {
    const { code } = await bundle.loadWorkflowBundle(log);
    for (const name of ["agentLifecycle", "gatewayLifecycle"]) expect(code).toContain(name);
    // Of `preload.ts`: loaded once for all workflows.
    expect(code).toMatch(/preloadModules\(\) \{[^}]*workflows\/preload/);
    expect(said).toEqual([expect.stringContaining("bundling the workflows")]);
  });

  it("is read from the build while it stands for the code, and not after a change", async () => {
    await bundle.writeWorkflowBundle();
    expect(await readdir(join(folder, "src"))).toContain("workflow-bundle.js");
    await writeFile(join(folder, "src/workflow-bundle.js"), "// as built");
    expect(await bundle.loadWorkflowBundle(log)).toEqual({ code: "// as built" });
    expect(said).toEqual([]);

    await writeFile(join(folder, "src/lifecycle/new-rule.ts"), "export const newRule = 1;\n");
    const { code } = await bundle.loadWorkflowBundle(log);
    expect(code).toContain("agentLifecycle");
    expect(said).toHaveLength(1);
  });

  it("that can't be made says what the bundler said", async () => {
    await writeFile(join(folder, "src/workflows/index.ts"), 'import "./not-there.ts";\n');
    await expect(bundle.buildWorkflowBundle()).rejects.toMatchObject({ code: "BUNDLE_FAILED" });
    await expect(bundle.buildWorkflowBundle()).rejects.toThrow(/not-there/);
  });
});
