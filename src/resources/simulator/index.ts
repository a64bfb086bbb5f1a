/** The simulator resource: a host with VMs in memory, for tests, demonstrations and load. */
import type { ResourceContext, ResourceFactory } from "../../api/index.ts";
import { simulatorConfig } from "./config.ts";
import { SimulatorResource, type SimulatedMachine } from "./simulator-resource.ts";

/** @throws SimulatorConfigError when a setting is unknown or malformed. */
export function createSimulatedMachine(context: ResourceContext): SimulatedMachine {
  const { agentId, config, manager } = context;
  return new SimulatorResource(agentId, simulatorConfig(config), manager);
}

const createSimulator: ResourceFactory = createSimulatedMachine;
export default createSimulator;
