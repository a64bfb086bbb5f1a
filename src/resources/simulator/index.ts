/** The simulator resource: a host with VMs in memory, for tests, demonstrations and load. */
import type { ResourceContext, ResourceFactory } from "../../api/index.ts";
import { simulatorConfig } from "./config.ts";
import type { HostsElsewhere } from "./neighbourhood.ts";
import { SimulatorResource, type SimulatedMachine } from "./simulator-resource.ts";

/** @throws SimulatorConfigError when a setting is unknown or malformed. */
export function createSimulatedMachine(
  { agentId, config, manager }: ResourceContext,
  elsewhere?: HostsElsewhere,
): SimulatedMachine {
  return new SimulatorResource(agentId, simulatorConfig(config), manager, elsewhere);
}

const createSimulator: ResourceFactory = (context) => createSimulatedMachine(context);
export default createSimulator;
