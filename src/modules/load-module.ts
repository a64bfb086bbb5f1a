/** Loads modules of third parties: resources, listeners. They are written against `muster/api` alone. */
import { existsSync, statSync } from "node:fs";
import { createRequire, register } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ModuleLoadError } from "./errors.ts";

/** A factory of unknown make: what it gives has to be checked. */
export type UnknownFactory = (context: unknown) => unknown;

/**
 * The function that a module exports as default.
 * @param module a path, from the current directory, or the name of an installed package.
 * @throws ModuleLoadError when there is no such module, it fails as it loads, or it has no such export.
 */
export async function loadFactory(module: string): Promise<UnknownFactory> {
  const loaded = await loadDefault(module);
  if (typeof loaded !== "function") {
    throw new ModuleLoadError(
      `the module ${fileOf(module)} has no default export that is a function: export a factory as default.`,
    );
  }
  return loaded as UnknownFactory;
}

/**
 * What a module exports as default, whatever it is; undefined when it exports nothing so.
 * @param module a path, from the current directory, or the name of an installed package.
 * @throws ModuleLoadError when there is no such module, or it fails as it loads.
 */
export async function loadDefault(module: string): Promise<unknown> {
  const file = fileOf(module);
  provideApi();
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as typeof loaded;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ModuleLoadError(`${module} can't be loaded from ${file}: ${why}`, { cause });
  }
  return loaded.default;
}

/** The file of a module. */
function fileOf(module: string): string {
  const here = createRequire(join(process.cwd(), "noop.js"));
  const path = resolve(module);
  const isPath = /^(\.{0,2}[/\\])/.test(module) || module.startsWith(".") || existsSync(path);
  try {
    if (!isPath) return here.resolve(module);
    return statSync(path).isDirectory() ? here.resolve(path) : path;
  } catch (cause) {
    throw new ModuleLoadError(
      `there is no module "${module}": give a path (from ${process.cwd()}), or an installed package.`,
      { cause },
    );
  }
}

let apiProvided = false;

/** Lets modules import `muster/api` without having Muster installed beside them: our own serves when none is found. */
function provideApi(): void {
  if (apiProvided) return;
  apiProvided = true;
  // Not an import that the compiler rewrites: the file is .ts from source and .js when built.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const api = new URL(`../api/index.${extension}`, import.meta.url).href;
  const hook = `export async function resolve(specifier, context, next) {
    if (specifier !== "muster/api") return next(specifier, context);
    try { return await next(specifier, context); } catch { return next(${JSON.stringify(api)}, context); }
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}
