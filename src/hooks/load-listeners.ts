/** Loads the modules of MUSTER_HOOK_MODULES. What is wrong with one stops the process before it serves anybody. */
import type { HookContext, HookListener } from "../api/index.ts";
import { ConfigError } from "../config/errors.ts";
import { ModuleLoadError } from "../modules/errors.ts";
import { loadFactory } from "../modules/load-module.ts";
import { hookMethods } from "./news.ts";

const variable = "MUSTER_HOOK_MODULES";
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Makes the listener of each module, in their order.
 * @throws ConfigError naming the module and what to change about it.
 */
export async function loadListeners(
  modules: readonly string[],
  context: HookContext,
): Promise<readonly HookListener[]> {
  const listeners: HookListener[] = [];
  for (const module of modules) {
    const listener = await makeListener(module, context);
    if (listeners.some(({ name }) => name === listener.name)) {
      throw new ConfigError(variable, `names two listeners called ${listener.name}: rename one.`);
    }
    listeners.push(listener);
  }
  return listeners;
}

async function makeListener(module: string, context: HookContext): Promise<HookListener> {
  let made: unknown;
  try {
    const factory = await loadFactory(module);
    made = await factory(context);
  } catch (cause) {
    if (cause instanceof ModuleLoadError) {
      throw new ConfigError(variable, cause.message, { cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(variable, `the factory of ${module} failed: ${why}`, { cause });
  }
  const problem = shapeProblem(made);
  if (problem !== undefined) {
    throw new ConfigError(variable, `the factory of ${module} gave no listener: ${problem}`);
  }
  return made as HookListener;
}

/** Why something is no listener; undefined when it is one. A misspelt method would never be called, so it counts. */
export function shapeProblem(made: unknown): string | undefined {
  if (typeof made !== "object" || made === null) return "it is not an object.";
  const { name } = made as { readonly name?: unknown };
  if (typeof name !== "string" || !namePattern.test(name)) {
    return "it needs a `name` of letters, digits, dots, dashes and underscores, 64 at most.";
  }
  const known: ReadonlySet<string> = new Set(hookMethods);
  const methods = methodNames(made);
  const stranger = methods.find((method) => !known.has(method));
  if (stranger !== undefined) {
    return `${stranger} is not a method of listeners: they are ${hookMethods.join(", ")}.`;
  }
  if (methods.length === 0) return `it has none of the methods ${hookMethods.join(", ")}.`;
  const value = (method: string): unknown => (made as Record<string, unknown>)[method];
  const wrong = methods.find((method) => typeof value(method) !== "function");
  return wrong === undefined ? undefined : `its ${wrong} is not a function.`;
}

/** Names that begin like a method's, of the object and of its classes. */
function methodNames(made: object): readonly string[] {
  const names = new Set<string>();
  for (
    let one: unknown = made;
    typeof one === "object" && one !== null && one !== Object.prototype;
    one = Object.getPrototypeOf(one)
  ) {
    for (const name of Object.getOwnPropertyNames(one)) if (/^on[A-Z]/.test(name)) names.add(name);
  }
  return [...names];
}
