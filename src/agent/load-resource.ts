/** Finds the resource that `--resource` names: a built-in kind, or a module of its own written against `muster/api`. */
import type { ManagerLink, ResourceFactory, ServerResource } from "../api/index.ts";
import { ModuleLoadError } from "../modules/errors.ts";
import { loadFactory } from "../modules/load-module.ts";
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
export async function loadResource(
  spec: ResourceSpec,
  agentId: string,
  manager: ManagerLink,
): Promise<ServerResource> {
  const factory = await factoryOf(spec.module);
  let made: unknown;
  try {
    made = await factory({ agentId, config: spec.config, manager });
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

async function factoryOf(module: string): Promise<ResourceFactory> {
  const builtIn = loadBuiltIn(module);
  if (builtIn !== undefined) return builtIn;
  try {
    return (await loadFactory(module)) as ResourceFactory;
  } catch (cause) {
    if (!(cause instanceof ModuleLoadError)) throw cause;
    throw new ResourceLoadError(
      `The resource can't be loaded: ${cause.message} Built in are ${builtInKinds.join(", ")}.`,
      { cause },
    );
  }
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
