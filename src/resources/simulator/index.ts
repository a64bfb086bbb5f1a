/** The simulator resource: a host with VMs in memory, for tests, demonstrations and load. */
import type { ResourceFactory } from "../../api/index.ts";
import { simulatorConfig } from "./config.ts";
import { SimulatorResource, type SimulatedMachine } from "./simulator-resource.ts";

/** @throws SimulatorConfigError when a setting is unknown or malformed. */
export function createSimulatedMachine(
  agentId: string,
  config: Readonly<Record<string, unknown>>,
): SimulatedMachine {
  return new SimulatorResource(agentId, simulatorConfig(config));
}

const createSimulator: ResourceFactory = ({ agentId, config }) =>
  createSimulatedMachine(agentId, config);
export default createSimulator;
