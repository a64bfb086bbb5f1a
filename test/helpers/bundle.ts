import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildWorkflowBundle, type WorkflowBundle } from "../../src/worker/bundle.ts";
import { servers } from "./servers.ts";

/** The workflows as they are in `src`, bundled once a run, for `Worker.create({ workflowBundle })`. */
export async function workflowBundle(): Promise<WorkflowBundle> {
  const file = join(servers().runDir, "workflow-bundle.js");
  try {
    return { code: readFileSync(file, "utf8") };
  } catch {
    const bundle = await buildWorkflowBundle();
    const own = `${file}.${process.pid}`;
    writeFileSync(own, bundle.code);
    renameSync(own, file);
    return bundle;
  }
}
