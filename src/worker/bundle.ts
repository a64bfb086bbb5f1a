/**
 * The workflow code as one file for Temporal's sandbox. The build makes it once (`writeWorkflowBundle`), so that a
 * worker starts in a fraction of a second and production never needs webpack's time or memory.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from "@temporalio/worker";
import type { Log } from "../telemetry/log.ts";
import { WorkerError } from "./errors.ts";

/** `dist` in a build, `src` when run from source. */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const bundleFile = join(root, "workflow-bundle.js");
/** Digest of the sources that the bundle was made from. */
const stampFile = join(root, "workflow-bundle.sha256");
/** What may end up in the bundle, by the import rules. */
const folders = ["api", "lifecycle", "workflows"];

/** The bundle as code, which `Worker.create` and `Worker.runReplayHistories` take. */
export type WorkflowBundle = Extract<WorkflowBundleOption, { code: string }>;

/** The built bundle when it stands for the code beside it, else one made on the fly (1 to 2 s). */
export async function loadWorkflowBundle(log: Log): Promise<WorkflowBundle> {
  const stamp = await readFile(stampFile, "utf8").catch(() => undefined);
  if (stamp !== undefined && stamp === (await digestSources())) {
    return { code: await readFile(bundleFile, "utf8") };
  }
  log.info(
    { bundleFile, found: stamp !== undefined },
    "bundling the workflows: no built bundle of this code",
  );
  return await buildWorkflowBundle();
}

/**
 * Bundles the workflows beside this module.
 * @throws WorkerError BUNDLE_FAILED, with what webpack said.
 */
export async function buildWorkflowBundle(): Promise<WorkflowBundle> {
  const said: string[] = [];
  const logger = new DefaultLogger("WARN", (entry) => said.push(entry.message));
  try {
    return await bundleWorkflowCode({
      workflowsPath: join(root, "workflows", `index${extension}`),
      preloadModules: [join(root, "workflows", `preload${extension}`)],
      logger,
    });
  } catch (error) {
    throw new WorkerError(
      "BUNDLE_FAILED",
      `The workflows can't be bundled: ${said.join("\n") || String(error)}`,
      { cause: error },
    );
  }
}

/**
 * Bundles and keeps the result beside the built code; the last step of the build, called by scripts/build.mjs.
 * @public
 */
export async function writeWorkflowBundle(): Promise<void> {
  const [digest, bundle] = await Promise.all([digestSources(), buildWorkflowBundle()]);
  await writeFile(bundleFile, bundle.code);
  await writeFile(stampFile, digest);
}

async function digestSources(): Promise<string> {
  const digest = createHash("sha256").update(sdkVersion());
  for (const folder of folders) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const file of files) {
      digest.update(`\n${relative(root, file)}\n`).update(await readFile(file));
    }
  }
  return digest.digest("hex");
}

/** The SDK's own code is part of the bundle. */
function sdkVersion(): string {
  const { version } = createRequire(import.meta.url)("@temporalio/workflow/package.json") as {
    version: string;
  };
  return version;
}
