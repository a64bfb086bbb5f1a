/** The resources that ship with Muster, by the name that `--resource` gives them. Loaded when asked for. */
import type { ResourceContext, ResourceFactory } from "../api/index.ts";
import type { HostsElsewhere, Refusal } from "./simulator/neighbourhood.ts";
import type { SimulatedMachine } from "./simulator/simulator-resource.ts";

const builtIn: Readonly<Record<string, () => Promise<{ readonly default: ResourceFactory }>>> = {
  simulator: () => import("./simulator/index.ts"),
  kvm: () => import("./kvm/index.ts"),
};

/**
 * A simulated host, with the power button that no Command reaches.
 * @param elsewhere the hosts of the same fleet that other processes simulate.
 * @throws SimulatorConfigError when a setting is unknown or malformed.
 */
export async function loadSimulatedMachine(
  context: ResourceContext,
  elsewhere?: HostsElsewhere,
): Promise<SimulatedMachine> {
  const { createSimulatedMachine } = await import("./simulator/index.ts");
  return createSimulatedMachine(context, elsewhere);
}
export type { HostsElsewhere, Refusal, SimulatedMachine };

/** Names of the built-in kinds. */
export const builtInKinds: readonly string[] = Object.keys(builtIn);

/** A factory of this kind that loads its code when it is called; undefined when there is no such kind. */
export function loadBuiltIn(kind: string): ResourceFactory | undefined {
  const load = Object.hasOwn(builtIn, kind) ? builtIn[kind] : undefined;
  if (load === undefined) return undefined;
  return async (context) => {
    const { default: factory } = await load();
    return factory(context);
  };
}
