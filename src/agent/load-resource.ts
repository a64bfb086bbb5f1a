/** Finds the resource that `--resource` names: a built-in kind, or a module of its own written against `muster/api`. */
import { existsSync, statSync } from "node:fs";
import { createRequire, register } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ResourceFactory, ServerResource } from "../api/index.ts";
import { builtInKinds, loadBuiltIn } from "../resources/index.ts";
import { ResourceLoadError } from "./errors.ts";

/** A resource to run, as `muster agent` was told. */
export interface ResourceSpec {
  /** A built-in kind (`simulator`, `kvm`), a path (`./my-resource`) or the name of an installed package. */
  readonly module: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Loads a resource and makes it.
 * @throws ResourceLoadError saying what to change.
 */
export async function loadResource(spec: ResourceSpec, agentId: string): Promise<ServerResource> {
  const factory = await loadFactory(spec.module);
  let made: unknown;
  try {
    made = await factory({ agentId, config: spec.config });
  } catch (cause) {
    throw new ResourceLoadError(
      `The resource ${spec.module} can't be made: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  if (!isServerResource(made)) {
    throw new ResourceLoadError(
      `The factory of ${spec.module} did not return a ServerResource: it needs a name and the methods initialize, currentStatus and executeRequest.`,
    );
  }
  return made;
}

async function loadFactory(module: string): Promise<ResourceFactory> {
  const builtIn = loadBuiltIn(module);
  if (builtIn !== undefined) return builtIn;
  const file = fileOf(module);
  provideApi();
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as typeof loaded;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ResourceLoadError(`The resource ${module} can't be loaded from ${file}: ${why}`, {
      cause,
    });
  }
  if (typeof loaded.default !== "function") {
    throw new ResourceLoadError(
      `The module ${file} has no default export that is a function: export a ResourceFactory as default.`,
    );
  }
  return loaded.default as ResourceFactory;
}

/** The file of a module, looked for from the current directory. */
function fileOf(module: string): string {
  const here = createRequire(join(process.cwd(), "noop.js"));
  const path = resolve(module);
  const isPath = /^(\.{0,2}[/\\])/.test(module) || module.startsWith(".") || existsSync(path);
  try {
    if (!isPath) return here.resolve(module);
    return statSync(path).isDirectory() ? here.resolve(path) : path;
  } catch (cause) {
    throw new ResourceLoadError(
      `There is no resource "${module}": give one of ${builtInKinds.join(", ")}, a path that begins with ./, or an installed package.`,
      { cause },
    );
  }
}

let apiProvided = false;

/**
 * Lets resources import `muster/api` without having Muster installed beside them: this container's own serves when
 * none is found.
 */
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

function isServerResource(value: unknown): value is ServerResource {
  if (typeof value !== "object" || value === null) return false;
  const made = value as Readonly<Record<keyof ServerResource, unknown>>;
  return (
    typeof made.name === "string" &&
    made.name !== "" &&
    typeof made.initialize === "function" &&
    typeof made.currentStatus === "function" &&
    typeof made.executeRequest === "function"
  );
}
