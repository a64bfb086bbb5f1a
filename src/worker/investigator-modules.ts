/** Loads the Investigators of third parties that MUSTER_INVESTIGATOR_MODULES names. docs/INVESTIGATORS.md says how to write one. */
import type { Investigator } from "../api/index.ts";
import {
  investigatorActivityType,
  investigatorNamePattern,
  shippedInvestigators,
} from "../lifecycle/investigator-catalogue.ts";
import { ModuleLoadError } from "../modules/errors.ts";
import { loadDefault } from "../modules/load-module.ts";
import type { Log } from "../telemetry/log.ts";
import { WorkerError } from "./errors.ts";

/**
 * Loads and checks them all.
 * @param modules paths, from the current directory, or names of installed packages
 * @throws WorkerError INVESTIGATOR_MODULE naming the module and what to change
 */
export async function loadInvestigatorModules(
  modules: readonly string[],
  log: Log,
): Promise<readonly Investigator[]> {
  const taken = new Map(
    Object.keys(shippedInvestigators).map((name) => [
      investigatorActivityType(name),
      "Muster itself",
    ]),
  );
  const loaded: Investigator[] = [];
  for (const module of modules) {
    const investigator = await load(module);
    const { name, summary } = investigator;
    const type = investigatorActivityType(name);
    const by = taken.get(type);
    if (by !== undefined) {
      throw unusable(module, `its name "${name}" is taken by ${by} (${type}): rename it`);
    }
    taken.set(type, module);
    loaded.push(investigator);
    log.info({ investigator: name, summary, module }, "Investigator loaded");
  }
  return loaded;
}

async function load(module: string): Promise<Investigator> {
  let made: unknown;
  try {
    made = await loadDefault(module);
  } catch (cause) {
    if (!(cause instanceof ModuleLoadError)) throw cause;
    throw unusable(module, cause.message, cause);
  }
  if (typeof made === "function") {
    try {
      made = await (made as () => unknown)();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw unusable(module, `its factory failed: ${why}`, cause);
    }
  }
  checkInvestigator(module, made);
  return made;
}

function checkInvestigator(module: string, made: unknown): asserts made is Investigator {
  if (typeof made !== "object" || made === null) {
    throw unusable(module, "its default export is no Investigator, nor a factory of one");
  }
  const { name, summary, investigate } = made as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || !investigatorNamePattern.test(name)) {
    const shown = typeof name === "string" ? `"${name.slice(0, 60)}"` : "no text";
    throw unusable(
      module,
      `its name is ${shown}: give lower-case letters, digits and dashes, beginning with a letter, 41 at most`,
    );
  }
  if (typeof summary !== "string" || summary.trim() === "") {
    throw unusable(
      module,
      `the Investigator ${name} has no summary: say what it does, in a few words`,
    );
  }
  if (typeof investigate !== "function") {
    throw unusable(module, `the Investigator ${name} has no method investigate`);
  }
}

function unusable(module: string, problem: string, cause?: unknown): WorkerError {
  return new WorkerError(
    "INVESTIGATOR_MODULE",
    `MUSTER_INVESTIGATOR_MODULES: the Investigator ${module} can't be used: ${problem.replace(/\.$/, "")}.`,
    { cause },
  );
}
